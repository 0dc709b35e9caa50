"""What GStreamer's server sends: the packets of a stream that is encoded already, or of one that is encoded on the way."""

import re
import threading
import time
from pathlib import Path

from gi.repository import GLib, Gst

PAYLOAD = (
    "rtph264pay name=pictures-pay mtu=1200 aggregate-mode=zero-latency config-interval=-1 ! tee name=pictures-tee allow-not-linked=true"
)
SOUND_PAYLOAD = "rtpopuspay name=sound-pay mtu=1200 ! tee name=sound-tee allow-not-linked=true"
SOUND_PACKET = 20_000_000


class Stream:
    """A bin with the tees “pictures-tee” and “sound-tee”, and the thread that feeds it."""

    def __init__(self, description, feed):
        self.bin = Gst.parse_bin_from_description(description, False)
        self.feed = feed

    def begin(self, pipeline):
        threading.Thread(target=self.feed, args=(pipeline, self.bin), daemon=True).start()


def ready(pictures, sound, rate):
    units, packets = access_units(Path(pictures).read_bytes()), opus_packets(Path(sound).read_bytes())
    interval = Gst.SECOND // int(rate)

    def feed(_, stream):
        """Hands over a second at a time, ahead; the pipeline itself waits until each is due."""
        series = (("pictures", units, interval), ("sound", packets, SOUND_PACKET))
        begun = time.monotonic()
        for second in range(1 << 31):
            for name, samples, length in series:
                source = stream.get_by_name(name)
                for number in range(-(-second * Gst.SECOND // length), -(-(second + 1) * Gst.SECOND // length)):
                    source.emit("push-buffer", sample(samples[number % len(samples)], number * length))
            time.sleep(max(0, begun + second - time.monotonic()))

    return Stream(
        f"appsrc name=pictures format=time max-bytes=0 caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate={rate}/1"
        f" ! clocksync ! h264parse ! {PAYLOAD}"
        " appsrc name=sound format=time max-bytes=0 caps=audio/x-opus,rate=48000,channels=2,channel-mapping-family=0"
        f" ! clocksync ! {SOUND_PAYLOAD}",
        feed,
    )


def live(frames, width, height, rate, kilobits):
    size = int(width) * int(height) * 3 // 2
    raw = Path(frames).read_bytes()
    pictures = [GLib.Bytes.new(raw[start : start + size]) for start in range(0, len(raw), size)]

    def feed(pipeline, stream):
        """Hands over each frame when it is due, as a camera does: without a copy."""
        source = stream.get_by_name("pictures")
        clock, base = pipeline.get_pipeline_clock(), pipeline.get_base_time()
        begun = time.monotonic()
        for number in range(1 << 31):
            time.sleep(max(0, begun + number / int(rate) - time.monotonic()))
            source.emit("push-buffer", sample(pictures[number % len(pictures)], clock.get_time() - base))

    return Stream(
        "appsrc name=pictures is-live=true format=time max-bytes=0"
        f" caps=video/x-raw,format=I420,width={width},height={height},framerate={rate}/1"
        f" ! x264enc tune=zerolatency speed-preset=superfast threads=1 bitrate={kilobits} vbv-buf-capacity=300 key-int-max=2147483647"
        " aud=false byte-stream=true option-string=scenecut=0"
        f" ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream ! {PAYLOAD}"
        " audiotestsrc is-live=true wave=sine freq=440 samplesperbuffer=960 ! audio/x-raw,format=S16LE,rate=48000,channels=1"
        " ! opusenc audio-type=voice bitrate=32000 complexity=1 inband-fec=true packet-loss-percentage=5"
        f" ! {SOUND_PAYLOAD}",
        feed,
    )


def sample(data, timestamp):
    buffer = Gst.Buffer.new_wrapped_bytes(data)
    buffer.pts = buffer.dts = timestamp
    return buffer


def access_units(file):
    """Of Annex B: each with the parameter sets before it."""
    units, unit = [], b""
    for nal in re.split(rb"\x00\x00\x00?\x01", file)[1:]:
        unit += b"\0\0\0\1" + nal
        if nal[0] & 0x1F in (1, 5):
            units.append(GLib.Bytes.new(unit))
            unit = b""
    return units


def opus_packets(file):
    """Of Ogg, whose packets lie within a page each."""
    packets, at = [], 0
    while at < len(file):
        segments = file[at + 27 : at + 27 + file[at + 26]]
        at += 27 + len(segments)
        start = at
        for length in segments:
            at += length
            if length < 255:
                packets.append(file[start:at])
                start = at
    return [GLib.Bytes.new(packet) for packet in packets if not packet.startswith((b"OpusHead", b"OpusTags"))]
