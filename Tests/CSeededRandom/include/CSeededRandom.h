#pragma once
#include <stdint.h>

// Lets OpenSSL draw the calling thread's random numbers from a sequence that `seed` decides, so that keys, signatures
// and with them the lengths of messages are the same in every run. Never outside tests.
void seeded_random_begin(uint64_t seed);

// Lets OpenSSL draw the calling thread's random numbers from its own generator again.
void seeded_random_end(void);
