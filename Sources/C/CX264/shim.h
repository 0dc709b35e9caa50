#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdarg.h>
#include <x264.h>

// x264.h names its functions by macros that paste the build number, which Swift cannot import.
static inline x264_t *cx264_encoder_open(x264_param_t *parameters) { return x264_encoder_open(parameters); }

// The last complaint of an encoder, for the log is a variadic callback that Swift cannot write.
typedef struct { char text[256]; } cx264_message;

static inline void cx264_keep_message(void *message, int level, const char *format, va_list arguments)
{
    if (level <= X264_LOG_ERROR)
        vsnprintf(((cx264_message *)message)->text, sizeof(((cx264_message *)message)->text), format, arguments);
}

// Errors go to `message`, which must outlive the encoder; everything else goes nowhere.
static inline void cx264_log_to(x264_param_t *parameters, cx264_message *message)
{
    parameters->pf_log = cx264_keep_message;
    parameters->p_log_private = message;
    parameters->i_log_level = X264_LOG_ERROR;
}
