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

/// Names the calling thread; variadic, so Swift cannot call it.
static inline void doorward_name_thread(const char *name) { prctl(PR_SET_NAME, name); }
