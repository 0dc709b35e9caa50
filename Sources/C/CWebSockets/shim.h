#pragma once
#include <libwebsockets.h>
#include <sys/prctl.h>

/// The bytes that lws_write() wants free in front of what it sends; a macro that Swift cannot see.
static inline size_t doorward_lws_pre(void) { return LWS_PRE; }

/// Names the calling thread; variadic, so Swift cannot call it.
static inline void doorward_name_thread(const char *name) { prctl(PR_SET_NAME, name); }
