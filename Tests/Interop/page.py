"""A page without a browser: the call protocol (Sources/Calls/PROTOCOL.md) by raw messages."""

import json

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TIMEOUT = 10


class Page:
    """A page that says exactly what it is told to."""

    def __init__(self, daemon, **headers):
        self._connection = connect(
            f"ws://127.0.0.1:{daemon.port}/ws", max_size=None, compression=None, additional_headers=headers
        )
        self._socket = self._connection.__enter__()
        self.welcome = self.next("welcome")
        self.id = self.welcome["id"]

    def send(self, type, **fields):
        self.send_raw(json.dumps({"type": type, **fields}))

    def send_raw(self, message, **options):
        self._socket.send(message, **options)

    def next(self, *types):
        """The next message of one of these types; others are passed over."""
        while True:
            message = json.loads(self._socket.recv(TIMEOUT))
            if message["type"] in types:
                return message

    def error(self):
        return self.next("call-error")

    def call(self):
        """Calls the door; the call's identifier."""
        self.send("call-initiate", recipient="door")
        answer = self.next("call-accepted", "call-error")
        assert answer["type"] == "call-accepted", answer
        return answer["call"]

    def offer(self, call, sdp):
        self.send("call-offer", call=call, description={"type": "offer", "sdp": sdp})

    def closed(self):
        """The code and the reason that the daemon closes with."""
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                self._socket.recv(TIMEOUT)
        received = closed.value.rcvd
        return (received.code, received.reason) if received else None

    def close(self):
        self._connection.__exit__(None, None, None)
