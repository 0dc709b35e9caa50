"""webrtcbin's end of a call: does what lines of JSON on its input tell it (stack.py says what), and answers by lines of its output.

It runs under the system's Python: GStreamer's bindings are a package of the system's.
"""

import array
import base64
import json
import math
import sys
import threading
import time

import gi

for name in ("Gst", "GstWebRTC", "GstSdp"):
    gi.require_version(name, "1.0")

from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

RATE = 48_000
STATES = {value: value.value_nick for value in GstWebRTC.WebRTCPeerConnectionState.__enum_values__.values()}


class End:
    def __init__(self):
        self.pipeline = Gst.Pipeline.new()
        self.webrtc = Gst.ElementFactory.make("webrtcbin")
        self.webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        # The default holds all back for 200 ms, for a picture that is late.
        self.webrtc.set_property("latency", 20)
        self.pipeline.add(self.webrtc)
        self.webrtc.connect("on-ice-candidate", lambda _, index, candidate: tell(index=index, candidate=candidate))
        self.webrtc.connect("pad-added", self.on_pad)
        self.webrtc.connect("on-data-channel", lambda _, channel: self.keep(channel))
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _, message: print(*message.parse_error(), file=sys.stderr))
        self.videos = {}
        self.sound = array.array("h")
        self.channels = {}
        self.second = None

    # Commands: each takes the command's members, and answers by a dictionary.

    def begin(self, width, height, frequency):
        self.send(
            f"audiotestsrc is-live=true wave=sine freq={frequency} volume=0.2 ! audio/x-raw,rate={RATE},channels=2"
            " ! opusenc ! rtpopuspay pt=111 ! capsfilter caps=application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,encoding-params=(string)2"
        )
        self.send_picture(width, height)
        self.pipeline.set_state(Gst.State.PLAYING)
        return {"version": ".".join(map(str, Gst.version()[:3]))}

    def send_picture(self, width, height):
        return self.send(
            f"videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width={width},height={height},framerate=15/1"
            " ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=300 key-int-max=30 ! video/x-h264,profile=constrained-baseline"
            " ! rtph264pay config-interval=-1 aggregate-mode=zero-latency pt=102"
            " ! capsfilter caps=application/x-rtp,media=video,encoding-name=H264,payload=102,clock-rate=90000,packetization-mode=(string)1"
        )

    def send(self, description):
        source = Gst.parse_bin_from_description(description, True)
        self.pipeline.add(source)
        pad = self.webrtc.request_pad_simple("sink_%u")
        assert source.get_static_pad("src").link(pad) == Gst.PadLinkReturn.OK
        source.sync_state_with_parent()
        return source, pad

    @staticmethod
    def wait_for_caps(pad):
        """What has brought no picture yet cannot be described."""
        deadline = time.monotonic() + 5
        while pad.get_current_caps() is None and time.monotonic() < deadline:
            time.sleep(0.01)

    def offer(self):
        return self.describe("offer")

    def answer(self, sdp):
        self.set_remote(GstWebRTC.WebRTCSDPType.OFFER, sdp)
        return self.describe("answer")

    def accept(self, sdp):
        self.set_remote(GstWebRTC.WebRTCSDPType.ANSWER, sdp)

    def candidate(self, candidate, index):
        self.webrtc.emit("add-ice-candidate", index, candidate)

    def state(self):
        return {"state": STATES[self.webrtc.get_property("connection-state")]}

    def received(self):
        sound = self.sound
        rises = sum(1 for before, after in zip(sound, sound[1:]) if before < 0 <= after)
        level = math.sqrt(sum(sample * sample for sample in sound) / len(sound)) / 32768 if sound else 0
        return {"videos": self.videos, "frequency": rises * RATE / max(1, len(sound)), "level": level}

    def addVideo(self, width, height):
        self.second = self.send_picture(width, height)
        self.wait_for_caps(self.second[1])

    def removeVideo(self):
        # webrtcbin has no removeTrack(); that takes the sending half of a transceiver away
        source, pad = self.second
        transceiver = pad.get_property("transceiver")
        transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.INACTIVE)
        source.set_state(Gst.State.NULL)

    def createChannel(self, label):
        self.keep(self.webrtc.emit("create-data-channel", label, None))

    def send_message(self, label, text=None, bytes=None):
        channel, _ = self.channels[label]
        if channel.get_property("ready-state") != GstWebRTC.WebRTCDataChannelState.OPEN:
            raise RuntimeError(f"{label} is not open")
        if text is not None:
            channel.emit("send-string", text)
        else:
            channel.emit("send-data", GLib.Bytes.new(base64.b64decode(bytes)))

    def messages(self, label):
        return {"messages": self.channels[label][1] if label in self.channels else []}

    # What they stand on.

    def describe(self, kind):
        promise = Gst.Promise.new()
        self.webrtc.emit(f"create-{kind}", None, promise)
        promise.wait()
        reply = promise.get_reply()
        description = reply.get_value(kind) if reply else None
        if description is None:
            reason = reply.get_value("error").message if reply and reply.has_field("error") else "it does not say why"
            raise RuntimeError(f"webrtcbin makes no {kind}: {reason}")
        self.set("local", description)
        return {"type": kind, "sdp": description.sdp.as_text()}

    def set_remote(self, kind, sdp):
        result, message = GstSdp.SDPMessage.new_from_text(sdp)
        assert result == GstSdp.SDPResult.OK
        self.set("remote", GstWebRTC.WebRTCSessionDescription.new(kind, message))

    def set(self, side, description):
        promise = Gst.Promise.new()
        self.webrtc.emit(f"set-{side}-description", description, promise)
        promise.wait()
        reply = promise.get_reply()
        if reply and reply.has_field("error"):
            raise RuntimeError(f"set-{side}-description: {reply.get_value('error').message}")

    def on_pad(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        caps = pad.get_current_caps().get_structure(0)
        if caps.get_string("media") == "video":
            mid = pad.get_property("transceiver").get_property("mid")
            sink = Gst.parse_bin_from_description("rtph264depay ! h264parse ! openh264dec ! fakesink name=end sync=false async=false", True)
            sink.get_by_name("end").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self.see, mid)
        else:
            sink = Gst.parse_bin_from_description(
                "rtpopusdepay ! opusdec ! audioconvert ! audioresample"
                f" ! audio/x-raw,format=S16LE,channels=1,rate={RATE},layout=interleaved ! fakesink name=end sync=false async=false",
                True,
            )
            sink.get_by_name("end").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self.hear)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def see(self, pad, _, mid):
        caps = pad.get_current_caps().get_structure(0)
        frames = self.videos.get(mid, {"frames": 0})["frames"] + 1
        self.videos[mid] = {"frames": frames, "width": caps.get_int("width")[1], "height": caps.get_int("height")[1]}
        return Gst.PadProbeReturn.OK

    def hear(self, _, probe):
        buffer = probe.get_buffer()
        sound = self.sound + array.array("h", buffer.extract_dup(0, buffer.get_size()))
        self.sound = sound[-RATE // 2 :]
        return Gst.PadProbeReturn.OK

    def keep(self, channel):
        messages = []
        channel.connect("on-message-string", lambda _, text: messages.append({"text": text or ""}))
        channel.connect(
            "on-message-data", lambda _, data: messages.append({"bytes": base64.b64encode(data.get_data() if data else b"").decode()})
        )
        self.channels[channel.get_property("label")] = channel, messages


output = threading.Lock()


def tell(**members):
    with output:
        print(json.dumps(members), flush=True)


def main():
    Gst.init(None)
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    end = End()
    commands = {name: getattr(end, name) for name in ("begin", "offer", "answer", "accept", "candidate", "state", "received")}
    commands |= {name: getattr(end, name) for name in ("addVideo", "removeVideo", "createChannel", "messages")}
    commands["send"] = end.send_message
    for line in sys.stdin:
        command = json.loads(line)
        number, action = command.pop("id"), command.pop("action")
        try:
            tell(id=number, **(commands[action](**command) or {}))
        except Exception as error:  # whatever it is, the test is told
            tell(id=number, error=f"{type(error).__name__}: {error}")
    end.pipeline.set_state(Gst.State.NULL)


main()
