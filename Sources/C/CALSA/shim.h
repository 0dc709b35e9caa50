#pragma once
#include <alsa/asoundlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What alsa-lib last had to say in this thread. It says "Unknown PCM hw:9" or "Slave PCM not usable" here and nowhere
// else: its functions return ENOENT or EINVAL, and its default handler writes to standard error. Every object file that
// calls these functions has a message of its own, so one Swift file alone does.
static inline char *doorward_alsa_message(void) {
    static __thread char message[256];
    return message;
}

static inline void doorward_alsa_keep_message(const char *file, int line, const char *function, int error,
                                              const char *format, ...) {
    (void)file, (void)line, (void)function, (void)error;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(doorward_alsa_message(), 256, format, arguments);
    va_end(arguments);
}

// Keeps alsa-lib's messages instead of writing them to standard error.
static inline void doorward_alsa_keep_messages(void) { snd_lib_error_set_handler(doorward_alsa_keep_message); }
