"""GStreamer's webrtcbin as a WHEP server, for board/benchmark. Every viewer of http://127.0.0.1:PORT/whep is sent the same stream:

    gstreamer_server.py ready PICTURES SOUND RATE                 files that are encoded already, over and over
    gstreamer_server.py live FRAMES WIDTH HEIGHT RATE KILOBITS    raw frames and a tone, encoded by x264enc and opusenc

It writes “port PORT” when it serves, and ends when its input does. It runs under the system's Python: GStreamer's bindings are a package of
the system's.
"""

import ctypes
import http.server
import os
import re
import socketserver
import sys
import threading
import traceback

import gi

for name in ("Gst", "GstRtp", "GstVideo", "GstWebRTC", "GstSdp"):
    gi.require_version(name, "1.0")

from gi.repository import GLib, Gst, GstRtp, GstSdp, GstVideo, GstWebRTC  # noqa: E402
from streams import live, ready  # noqa: E402

GOBJECT = ctypes.CDLL("libgobject-2.0.so.0")
GOBJECT.g_object_ref.argtypes = [ctypes.c_void_p]
GOBJECT.g_object_ref.restype = ctypes.c_void_p
TRANSPORT_WIDE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


class Server:
    """One pipeline: what is sent is parsed or encoded and cut into packets once, and shared out by a tee to each viewer's webrtcbin."""

    def __init__(self, stream):
        self.pipeline = Gst.Pipeline.new()
        self.stream = stream
        self.codecs = []
        self.calls = {}
        self.number = 0
        self.lock = threading.Lock()
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _, message: print(*message.parse_error(), file=sys.stderr))

    def begin(self, offer):
        """The packets bear the numbers of the first viewer's offer; all viewers of the benchmark offer the same."""
        self.pipeline.add(self.stream.bin)
        for name, media, codec in (("pictures", "video", "H264/90000"), ("sound", "audio", "opus/48000/2")):
            pay = self.stream.bin.get_by_name(f"{name}-pay")
            number = int(re.search(rf"a=rtpmap:(\d+) {codec}\r", offer)[1])
            pay.set_property("pt", number)
            codec = f"application/x-rtp,media={media},payload={number},encoding-name={codec.split('/')[0].upper()}"
            extension = re.search(rf"a=extmap:(\d+)\S* {re.escape(TRANSPORT_WIDE)}", offer)
            if extension:
                transport_wide = GstRtp.RTPHeaderExtension.create_from_uri(TRANSPORT_WIDE)
                transport_wide.set_id(int(extension[1]))
                pay.emit("add-extension", transport_wide)
                codec += f",extmap-{extension[1]}=(string){TRANSPORT_WIDE}"
            self.codecs.append(Gst.Caps.from_string(codec))
        self.pipeline.set_state(Gst.State.PLAYING)
        self.stream.begin(self.pipeline)

    def answer(self, offer):
        with self.lock:
            if not self.number:
                self.begin(offer)
            self.number += 1
            call = Call(self.pipeline, self.stream.bin, self.codecs)
            self.calls[f"/whep/{self.number}"] = call
            return f"/whep/{self.number}", call.answer(offer)

    def end(self, resource):
        with self.lock:
            call = self.calls.pop(resource, None)
            if call:
                call.end()


class Call:
    def __init__(self, pipeline, stream, codecs):
        self.pipeline = pipeline
        self.codecs = codecs
        self.gathered = threading.Event()
        self.webrtc = webrtc = Gst.ElementFactory.make("webrtcbin")
        webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        webrtc.set_property("latency", 0)
        # Reports tell when a picture was taken, not when it was sent, by the monotonic clock: the viewers reckon its age by that.
        rtp = webrtc.get_by_name("rtpbin")
        rtp.set_property("rtcp-sync-send-time", False)
        rtp.set_property("ntp-time-source", "clock-time")
        ice = webrtc.get_property("ice-agent")
        # webrtcbin of 1.22 holds its agent by a floating reference, which Python then takes for its own
        GOBJECT.g_object_ref(hash(ice))
        # else every answer waits 200 ms for a router that may open ports
        ice.get_property("agent").set_property("upnp", False)
        ice.set_property("ice-tcp", False)
        ice.emit("add-local-ip-address", "127.0.0.1")
        webrtc.connect("notify::ice-gathering-state", self.on_gathering)
        webrtc.connect("notify::connection-state", self.on_connection)
        pipeline.add(webrtc)
        # Nothing is queued for a viewer who is not connected yet.
        self.branches = []
        for index, name in enumerate(("pictures", "sound")):
            tee = stream.get_by_name(f"{name}-tee")
            branch = Gst.parse_bin_from_description(
                "valve name=valve drop=true drop-mode=forward-sticky-events"
                " ! queue leaky=downstream max-size-buffers=0 max-size-bytes=0 max-size-time=1000000000",
                True,
            )
            pipeline.add(branch)
            self.branches.append((tee, branch, index))

    def answer(self, offer):
        result, message = GstSdp.SDPMessage.new_from_text(offer)
        if result != GstSdp.SDPResult.OK:
            raise ValueError("this is no description")
        self.webrtc.sync_state_with_parent()
        self.ask("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message))
        for tee, branch, index in self.branches:
            pad = self.webrtc.request_pad_simple(f"sink_{index}")
            transceiver = pad.get_property("transceiver")
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
            transceiver.set_property("codec-preferences", self.codecs[index])
            # sound that is lost is concealed before it could come again
            transceiver.set_property("do-nack", index == 0)
            assert branch.get_static_pad("src").link(pad) == Gst.PadLinkReturn.OK
            branch.sync_state_with_parent()
            assert ghost(tee).link(branch.get_static_pad("sink")) == Gst.PadLinkReturn.OK
        reply = self.ask("create-answer", None)  # the answer lives as long as it does
        self.ask("set-local-description", reply.get_value("answer"))
        if not self.gathered.wait(5):
            raise TimeoutError("webrtcbin gathers no candidates")
        return self.webrtc.get_property("local-description").sdp.as_text()

    def ask(self, signal, argument):
        promise = Gst.Promise.new()
        self.webrtc.emit(signal, argument, promise)
        promise.wait()
        reply = promise.get_reply()
        if reply and reply.has_field("error"):
            raise RuntimeError(f"{signal}: {reply.get_value('error').message}")
        return reply

    def on_gathering(self, webrtc, _):
        if webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self.gathered.set()

    def on_connection(self, webrtc, _):
        if webrtc.get_property("connection-state") != GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            return
        for _, branch, _ in self.branches:
            branch.get_by_name("valve").set_property("drop", False)
        # whoever joins need not wait for the next key frame
        tee, _, _ = self.branches[0]
        tee.get_static_pad("sink").push_event(GstVideo.video_event_new_upstream_force_key_unit(Gst.CLOCK_TIME_NONE, True, 0))

    def end(self):
        for _, branch, _ in self.branches:
            pad = branch.get_static_pad("sink")
            outer = pad.get_peer()
            inner = outer.get_target()
            # between two packets
            done = threading.Event()
            inner.add_probe(Gst.PadProbeType.IDLE, lambda *_, done=done: done.set() or Gst.PadProbeReturn.REMOVE)
            done.wait(1)
            outer.unlink(pad)
            outer.get_parent_element().remove_pad(outer)
            inner.get_parent_element().release_request_pad(inner)
        for element in [self.webrtc] + [branch for _, branch, _ in self.branches]:
            element.set_state(Gst.State.NULL)
            self.pipeline.remove(element)


def ghost(tee):
    """A pad of the tee, seen from the pipeline."""
    inner = tee.request_pad_simple("src_%u")
    outer = Gst.GhostPad.new(None, inner)
    outer.set_active(True)
    tee.get_parent().add_pad(outer)
    return outer


class HTTPServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # sixteen call at once
    request_queue_size = 64


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        offer = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            resource, answer = self.server.peer.answer(offer)
        except Exception:  # whatever it is, the viewer is told, and the benchmark
            traceback.print_exc()
            self.send_error(500)
            return
        self.reply(201, {"Content-Type": "application/sdp", "Location": resource}, answer.encode())

    def do_DELETE(self):
        self.server.peer.end(self.path)
        self.reply(200, {}, b"")

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    Gst.init(None)
    kind, *arguments = sys.argv[1:]
    stream = {"ready": ready, "live": live}[kind](*arguments)
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.peer = Server(stream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("port", server.server_address[1], flush=True)
    sys.stdin.read()
    with server.peer.lock:
        server.peer.pipeline.set_state(Gst.State.NULL)
        # other threads may be waiting to answer calls
        os._exit(0)


main()
