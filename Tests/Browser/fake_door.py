"""A door that does what the test says: the page's own tests need ends that a healthy daemon does not produce.

It serves the page's files under the same content security policy, speaks the call protocol, and can be a WebRTC peer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import mimetypes
import queue
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from http import HTTPStatus
from pathlib import Path
from typing import Any, Coroutine, Protocol

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from fake_peer import FakePeer
from network import LOOPBACK

PAGE = Path(__file__).resolve().parents[2] / "Sources/Web/Page"
POLICY = "default-src 'self'; connect-src 'self'{brokers}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}


class Connection(Protocol):
    """What carries the messages of one page: text each way, in order."""

    async def send(self, message: str) -> None: ...

    async def close(self, code: int) -> None: ...

    def __aiter__(self) -> AsyncIterator[str]: ...


class Viewer:
    """One page connected to the fake door."""

    def __init__(self, door: FakeDoor, connection: Connection, identifier: str):
        self.id = identifier
        self.name = ""
        self.call: str | None = None
        self.peer: FakePeer | None = None
        self._door = door
        self._connection = connection
        self._received: queue.Queue[dict[str, Any]] = queue.Queue()

    def send(self, **message: Any) -> None:
        """Sends a message, from any thread."""
        self._door.run(self.deliver(message))

    def expect(self, type: str, seconds: float = 5) -> dict[str, Any]:
        """The next message of a type; others before it are left out."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self._received.get(timeout=max(0.001, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the page sent no {type} within {seconds} s") from None
            if message["type"] == type:
                return message

    def hang_up(self, reason: str) -> None:
        """Ends the page's call, as the daemon does."""
        call, self.call = self.call, None
        self.send(type="call-hangup", call=call, reason=reason)
        self._door.announce()

    def drop(self) -> None:
        """Cuts the page's connection."""
        self._door.run(self._connection.close(1011))

    async def deliver(self, message: dict[str, Any]) -> None:
        try:
            await self._connection.send(json.dumps(message))
        except ConnectionClosed:
            pass

    async def receive(self) -> None:
        async for text in self._connection:
            message = json.loads(text)
            await self._door.handle(self, message)
            self._received.put(message)

    def as_participant(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "kind": "viewer", "inCall": self.call is not None}


class RequestConnection(ServerConnection):
    """Takes requests with a body, too, which the library refuses: the body is kept aside."""

    _head = b""
    body: bytes | None = None

    def data_received(self, data: bytes) -> None:
        if self.body is not None:
            super().data_received(data)
            return
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        field = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        length = int(field[1]) if field else 0
        if not end or len(rest) < length:
            return
        self.body = rest[:length]
        super().data_received(head.replace(field[0], b"") + end if field else self._head)


class FakeDoor:
    """`accepts`: whether the door accepts calls; `has_peer`: whether it then also answers offers with media."""

    def __init__(self, *, accepts: bool = True, has_peer: bool = False, ring_timeout: int = 30_000, limit: int = 0, **devices: str):
        self.accepts = accepts
        self.has_peer = has_peer
        self.ring_timeout = ring_timeout
        self.limit = limit
        self.devices = {"camera": "live", "microphone": "live", "speaker": "live", **devices}
        self.viewers: list[Viewer] = []
        #: Who the page is told it is, and what else is asked by HTTP: a method and a path, and what answers the body there.
        self.me: dict[str, Any] = {"role": "anybody", "mayManage": False}
        self.answers: dict[tuple[str, str], Callable[[Any], Any]] = {}
        #: Files of the page on whose first request the connection breaks.
        self.breaks_at: set[str] = set()
        #: Brokers that the page may connect to.
        self.brokers: list[str] = []
        self._joined: queue.Queue[Viewer] = queue.Queue()
        self._numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: Server | None = None
        self.port = 0
        self.listen()

    def url(self, host: str = LOOPBACK) -> str:
        return f"http://{host}:{self.port}/"

    def next_viewer(self, seconds: float = 10) -> Viewer:
        """The next page that connects."""
        return self._joined.get(timeout=seconds)

    def ring(self, *, age: int = 0) -> str:
        """Rings every page; `age`: how many milliseconds ago the button was pressed."""
        call = f"ring-{next(self._numbers)}"
        self.broadcast(
            type="call-incoming", call=call, **{"from": {"id": "door", "name": "Front door"}},
            at=int(time.time() * 1000) - age, expiresInMs=self.ring_timeout - age,
        )
        return call

    def broadcast(self, **message: Any) -> None:
        for viewer in list(self.viewers):
            viewer.send(**message)

    def announce(self) -> None:
        self.run(self._announce())

    def listen(self) -> None:
        """Opens the port; after `stop_listening` the same one."""
        self._server = self.run(self._open())
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Gone from the network, with every connection."""
        self.run(self._close())

    def stop(self) -> None:
        self.stop_listening()
        for viewer in self.viewers:
            if viewer.peer:
                self.run(viewer.peer.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Does the work on the door's own thread and returns its result."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(20)

    def run_soon(self, work: Coroutine[Any, Any, Any]) -> None:
        """Begins the work on the door's own thread, after all that was begun so before."""
        asyncio.run_coroutine_threadsafe(work, self._loop)

    async def handle(self, viewer: Viewer, message: dict[str, Any]) -> None:
        match message["type"]:
            case "presence":
                viewer.name = message["name"]
                await self._announce()
            case "call-initiate" if self.accepts and message["recipient"] == "door":
                viewer.call = f"call-{next(self._numbers)}"
                await viewer.deliver({"type": "call-accepted", "call": viewer.call, "by": {"id": "door", "name": "Front door"}})
                await self._announce()
            case "call-accept" if self.accepts:
                by = {"id": viewer.id, "name": viewer.name}
                continues = {"continues": viewer.call} if viewer.call else {}
                viewer.call = viewer.call or message["call"]
                for other in self.viewers:
                    extra = continues if other is viewer else {}
                    await other.deliver({"type": "call-accepted", "call": message["call"], "by": by, **extra})
                await self._announce()
            case "call-resume":
                # this door remembers nobody who was gone
                await viewer.deliver({
                    "type": "call-error", "code": "unknown_call", "message": "there is no call to come back to",
                    "inReplyTo": "call-resume",
                })
            case "call-offer" if self.has_peer:
                viewer.peer = FakePeer()
                answer = await viewer.peer.answer(message["description"])
                await viewer.deliver({"type": "call-answer", "call": message["call"], "description": answer})
            case "call-ice-candidate" if viewer.peer:
                await viewer.peer.add_candidate(message["candidate"])
            case "call-hangup":
                viewer.call = None
                if viewer.peer:
                    await viewer.peer.close()
                await self._announce()

    async def _announce(self) -> None:
        door = {"id": "door", "name": "Front door", "kind": "door", "inCall": any(viewer.call for viewer in self.viewers)}
        participants = [door, *(viewer.as_participant() for viewer in self.viewers)]
        for viewer in list(self.viewers):
            await viewer.deliver({"type": "presence", "participants": participants})

    async def _open(self) -> Server:
        return await serve(self.converse, "0.0.0.0", self.port, process_request=self._serve_file, compression=None, create_connection=RequestConnection)

    async def _close(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def converse(self, connection: Connection) -> None:
        """Speaks with a page for as long as it is connected."""
        viewer = Viewer(self, connection, f"viewer-{next(self._numbers)}")
        self.viewers.append(viewer)
        await viewer.deliver({
            "type": "welcome", "id": viewer.id, "protocol": 2, "iceServers": [], "resumption": f"secret-of-{viewer.id}",
            "door": {"id": "door", "name": "Front door", **self.devices},
            "ringTimeoutMs": self.ring_timeout, "maxCallDurationMs": self.limit,
        })
        self._joined.put(viewer)
        try:
            await viewer.receive()
        except ConnectionClosed:
            pass
        finally:
            self.viewers.remove(viewer)
            if viewer.peer:
                await viewer.peer.close()
            await self._announce()

    def _serve_file(self, connection: RequestConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/ws":
            return None
        if path == "/api/me":
            return self._respond_json(self.me)
        if answer := self.answers.get((request.method, path)):
            status = HTTPStatus.CREATED if request.method == "POST" else HTTPStatus.OK
            return self._respond_json(answer(json.loads(connection.body or b"null")), status)
        if path in self.breaks_at:
            self.breaks_at.remove(path)
            connection.transport.abort()
        file = PAGE / (path.lstrip("/") or "index.html")
        if not file.resolve().is_relative_to(PAGE) or not file.is_file():
            return connection.respond(HTTPStatus.NOT_FOUND, "no such file\n")
        kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return self._respond(kind, file.read_bytes())

    def _respond_json(self, value: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self._respond("application/json", json.dumps(value).encode(), status)

    def _respond(self, kind: str, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
        policy = POLICY.format(brokers="".join(f" {broker}" for broker in self.brokers))
        headers = Headers({"Content-Type": kind, "Content-Length": str(len(body)), "Content-Security-Policy": policy, "Connection": "close"})
        return Response(status, status.phrase, headers, body)
