#include "CVirtualClock.h"
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

// 2001-09-09: OpenSSL takes a time of zero for none.
static const int64_t epoch = 1000000000;

static _Thread_local int64_t virtual_now = -1;

void virtual_clock_set(int64_t nanoseconds) { virtual_now = nanoseconds; }

void virtual_clock_clear(void) { virtual_now = -1; }

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    if (virtual_now >= 0) {
        now->tv_sec = epoch + virtual_now / 1000000000;
        now->tv_usec = virtual_now % 1000000000 / 1000;
        return 0;
    }
    struct timespec time;
    if (clock_gettime(CLOCK_REALTIME, &time) != 0) return -1;
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return 0;
}
