"""A WHEP server that is not ours: aiortc sends a picture and a tone to whoever asks, over http or https."""

import asyncio
import fractions
import math
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription, VideoStreamTrack
from av import AudioFrame, VideoFrame

TOKEN = "open sesame"


class Picture(VideoStreamTrack):
    async def recv(self):
        pts, time_base = await self.next_timestamp()
        shade = numpy.full((120, 160, 3), pts // 3000 % 256, numpy.uint8)
        frame = VideoFrame.from_ndarray(shade, format="bgr24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    _sample = 0

    async def recv(self):
        await super().recv()  # keeps the pace
        count = 960
        samples = [int(9000 * math.sin(2 * math.pi * 440 * (self._sample + index) / 48000)) for index in range(count)]
        frame = AudioFrame.from_ndarray(numpy.array([samples], numpy.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, self._sample, fractions.Fraction(1, 48000)
        self._sample += count
        return frame


class WHEPServer:
    """`/whep` takes calls; the other paths do what their names say. `requests` has the method and path of all that came."""

    def __init__(self, folder, secure=False, host="127.0.0.1"):
        self.requests = []
        self.sessions = {}
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._http = ThreadingHTTPServer((host, 0), self._handler())
        self._http.daemon_threads = True
        if secure:
            files = folder / "key.pem", folder / "certificate.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
                + ["-subj", "/CN=door", "-keyout", files[0], "-out", files[1]],
                check=True,
                capture_output=True,
            )
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(files[1], files[0])
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.address = f"{'https' if secure else 'http'}://{host}:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def url(self, path):
        return f"{self.address}/{path}"

    def stop(self):
        self._http.shutdown()
        for connection in self.sessions.values():
            asyncio.run_coroutine_threadsafe(connection.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _answer(self, offer):
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTrack(Tone())
        sender = connection.addTrack(Picture())
        transceiver = next(each for each in connection.getTransceivers() if each.sender == sender)
        codecs = [codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.mimeType == "video/H264"]
        transceiver.setCodecPreferences(codecs)
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        name = str(len(self.sessions) + 1)
        self.sessions[name] = connection
        return name, connection.localDescription.sdp

    def _handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                server.requests.append(("POST", self.path, self.headers.get("Authorization")))
                offer = self.rfile.read(int(self.headers["Content-Length"])).decode()
                match self.path:
                    case "/secret" if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                        self.reply(401, b"who are you?\n", Content_Type="text/plain")
                    case "/whep" | "/secret":
                        name, answer = asyncio.run_coroutine_threadsafe(server._answer(offer), server._loop).result(10)
                        self.reply(
                            201, answer.encode(), Content_Type="application/sdp", Location=f"sessions/{name}", ETag=f'"{name}"'
                        )
                    case "/redirect":
                        self.reply(307, Location="/moved")
                    case "/moved":
                        self.reply(308, Location=server.url("whep"))
                    case "/loop":
                        self.reply(307, Location="/loop")
                    case "/see-other":
                        self.reply(303, Location="/whep")
                    case "/elsewhere":
                        self.reply(307, Location=server.url("secret").replace("127.0.0.1", "127.0.0.2"))
                    case "/counter-offer":
                        self.reply(406, b"v=0\r\n", Content_Type="application/sdp", Location="/sessions/unwanted")
                    case "/busy":
                        self.reply(503, b"full house\n", Content_Type="text/plain", Retry_After="7")
                    case "/nonsense":
                        self.reply(201, b"hello", Content_Type="application/sdp", Location="/sessions/x")
                    case "/page":
                        self.reply(201, b"<html>", Content_Type="text/html", Location="/sessions/x")
                    case "/huge":
                        self.reply(201, b"x" * 3_000_000, Content_Type="application/sdp", Location="/sessions/x")
                    case _:
                        self.reply(404)

            def do_DELETE(self):
                server.requests.append(("DELETE", self.path, self.headers.get("Authorization")))
                connection = server.sessions.pop(self.path.rsplit("/", 1)[-1], None)
                if connection:
                    asyncio.run_coroutine_threadsafe(connection.close(), server._loop).result(10)
                self.reply(200 if connection else 404)

        return Handler
