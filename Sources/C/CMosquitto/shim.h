#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/// A descriptor that is readable from `doorward_mqtt_wake` to `doorward_mqtt_sleep`; negative where there is none to be had.
static inline int doorward_mqtt_waker(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static inline void doorward_mqtt_wake(int waker) {
    if (eventfd_write(waker, 1) != 0) return;  // it is full, and so readable
}

static inline void doorward_mqtt_sleep(int waker) {
    eventfd_t value;
    if (eventfd_read(waker, &value) != 0) return;  // it was not readable
}

/// Names the calling thread; variadic, so Swift cannot call it.
static inline void doorward_mqtt_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

/// Waits until `thread` has ended, at most so long; whether it has.
static inline int doorward_mqtt_join(pthread_t thread, int milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
    return pthread_timedjoin_np(thread, NULL, &until) == 0;
}
