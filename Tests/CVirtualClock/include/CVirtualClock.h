#pragma once
#include <stdint.h>

// Lets the calling thread see a wall clock that stands still at `nanoseconds` (not negative) since an epoch of its own,
// until the next call. OpenSSL's DTLS timer reads the wall clock with gettimeofday, and there is no setting to give it
// another; linked into a test's executable, this target's gettimeofday takes the place of libc's for every library.
void virtual_clock_set(int64_t nanoseconds);

// Lets the calling thread see the system's wall clock again.
void virtual_clock_clear(void);
