#pragma once
#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/prctl.h>

/// The bytes that lws_write() wants free in front of what it sends; a macro that Swift cannot see.
static inline size_t doorward_lws_pre(void) { return LWS_PRE; }

/// A log of one context's own, which `emit` hears; NULL before libwebsockets 4.3, whose log is one for the whole process. From then
/// on contexts count their references to the log without a lock, so that two that shared one could not run on two threads.
static inline void *doorward_lws_log(void (*emit)(int level, const char *line)) {
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    lws_log_cx_t *log = calloc(1, sizeof *log);
    if (!log) return NULL;
    log->u.emit = emit;
    log->lll_flags = LLL_ERR | LLL_WARN;
    return log;
#else
    (void)emit;
    return NULL;
#endif
}

/// Makes the context that `info` describes write to `log`.
static inline void doorward_lws_use_log(struct lws_context_creation_info *info, void *log) {
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    info->log_cx = log;
#else
    (void)info, (void)log;
#endif
}

/// A timer that ends the wait for the network of one context.
struct doorward_waker {
    lws_sorted_usec_list_t timer;
    struct lws_context *context;
};

static inline void doorward_wake(lws_sorted_usec_list_t *timer) {
    lws_cancel_service(((struct doorward_waker *)timer)->context);
}

/// Has `waker` end the wait in `microseconds`. That the timer is due does not do so by itself: libwebsockets calls what is due just
/// before it waits, and a timer that comes due only then, as on a busy machine, is followed by a wait for the next one.
static inline void doorward_wake_after(struct doorward_waker *waker, lws_usec_t microseconds) {
    lws_sul_schedule(waker->context, 0, &waker->timer, doorward_wake, microseconds);
}

/// Has `waker` do so no more.
static inline void doorward_forget_waker(struct doorward_waker *waker) {
    lws_sul_schedule(waker->context, 0, &waker->timer, doorward_wake, LWS_SET_TIMER_USEC_CANCEL);
}

/// Names the calling thread; variadic, so Swift cannot call it.
static inline void doorward_name_thread(const char *name) { prctl(PR_SET_NAME, name); }
