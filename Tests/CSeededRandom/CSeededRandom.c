#include "CSeededRandom.h"
// A generator of another kind is set by RAND_set_rand_method, which OpenSSL 3 marks deprecated in favour of providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/rand.h>
#include <pthread.h>
#include <stdbool.h>

static _Thread_local uint64_t state;
static _Thread_local bool is_seeded;

static uint64_t next_word(void) {
    state += 0x9E3779B97F4A7C15;
    uint64_t word = state;
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB;
    return word ^ (word >> 31);
}

static int draw(unsigned char *bytes, int count) {
    if (!is_seeded) return RAND_OpenSSL()->bytes(bytes, count);
    for (int index = 0; index < count; index++) bytes[index] = (unsigned char)next_word();
    return 1;
}

static int status(void) { return 1; }

static const RAND_METHOD method = {.bytes = draw, .pseudorand = draw, .status = status};

static void install(void) { RAND_set_rand_method(&method); }

void seeded_random_begin(uint64_t seed) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    state = seed;
    is_seeded = true;
}

void seeded_random_end(void) { is_seeded = false; }
