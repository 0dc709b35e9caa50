#pragma once
#include <opus.h>

// opus_encoder_ctl is variadic and its requests are macros, which Swift cannot import.
static inline int copus_set_bitrate(OpusEncoder *encoder, opus_int32 bitrate) { return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bitrate)); }
static inline int copus_set_complexity(OpusEncoder *encoder, opus_int32 complexity) { return opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(complexity)); }
static inline int copus_set_inband_fec(OpusEncoder *encoder, opus_int32 on) { return opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(on)); }
static inline int copus_set_packet_loss(OpusEncoder *encoder, opus_int32 percent) { return opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(percent)); }
static inline int copus_set_signal(OpusEncoder *encoder, opus_int32 signal) { return opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(signal)); }
