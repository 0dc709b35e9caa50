#pragma once
#include <stddef.h>
#include <stdint.h>

// A ready stream: `count` payloads back to back, the frame i being `bytes[ends[i - 1] ..< ends[i]]`, one NAL unit without start code.
struct bare_stream {
    const uint8_t *bytes;
    const size_t *ends;
    int count;
    int64_t interval;  // nanoseconds from one frame to the next
};

// What sending a ready stream of pictures and one of sound to `viewers` sockets on 127.0.0.1 costs at the least: header, payload, AES-128-GCM in
// place, and one sendmsg with UDP_SEGMENT for what goes to a viewer at a time; as each is due, for `seconds`. Each viewer's packets are read by a
// thread of its own. CPU nanoseconds a second of the sending thread; negative where a socket fails.
double bare_loop(const struct bare_stream *pictures, const struct bare_stream *sound, int viewers, int payload_size, int seconds);
