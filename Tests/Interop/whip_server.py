"""A WHIP server that is not ours: aiortc takes the picture and the sound that somebody publishes."""

import asyncio
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

TOKEN = "open sesame"


class WHIPServer:
    """`/whip` takes what is published; the other paths do what their names say. `requests` has all that came, with its time."""

    def __init__(self, port=0, host="127.0.0.1", links=()):
        self.requests = []
        self.offers = []
        self.fragments = []
        self.connections = {}
        self.frames = {"video": 0, "audio": 0}
        self.sizes = set()
        self.links = links
        #: How often `/busy` still says so.
        self.refusals = 1
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._http = ThreadingHTTPServer((host, port), self._handler())
        self._http.daemon_threads = True
        self.port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def close_connections(self):
        for name in list(self.connections):
            self._run(self.connections.pop(name).close())

    def stop(self):
        """Gone, with everything that was connected."""
        self._http.shutdown()
        self._http.server_close()
        self.close_connections()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def times(self, method, path):
        return [at for at, *request in self.requests if request[:2] == [method, path]]

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _take(self, track):
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            self.frames[track.kind] += 1
            if track.kind == "video":
                self.sizes.add((frame.width, frame.height))

    async def _answer(self, offer):
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("track", lambda track: asyncio.ensure_future(self._take(track)))
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        name = str(len(self.offers))
        self.connections[name] = connection
        return name, connection.localDescription.sdp

    def _handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def note(self):
                server.requests.append((time.monotonic(), self.command, self.path, self.headers.get("Authorization")))

            def reply(self, status, body=b"", links=(), **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                for link in links:
                    self.send_header("Link", link)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                self.note()
                offer = self.rfile.read(int(self.headers["Content-Length"])).decode()
                match self.path:
                    case "/secret" if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                        self.reply(401, b"who are you?\n", Content_Type="text/plain")
                    case "/busy" if server.refusals > 0:
                        server.refusals -= 1
                        self.reply(503, b"full house\n", Content_Type="text/plain", Retry_After="3")
                    case "/whip" | "/secret" | "/busy":
                        server.offers.append(offer)
                        name, answer = server._run(server._answer(offer))
                        self.reply(
                            201,
                            answer.encode(),
                            links=server.links,
                            Content_Type="application/sdp",
                            Location=f"sessions/{name}",
                            ETag=f'"{name}"',
                        )
                    case "/redirect":
                        self.reply(307, Location="/whip")
                    case _:
                        self.reply(404)

            def do_PATCH(self):
                self.note()
                server.fragments.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.reply(204)

            def do_DELETE(self):
                self.note()
                connection = server.connections.pop(self.path.rsplit("/", 1)[-1], None)
                if connection:
                    server._run(connection.close())
                self.reply(200 if connection else 404)

        return Handler
