"""aiortc, a WebRTC stack of its own, watches the door through WHEP (RFC 9725)."""

import array
import asyncio
import math
import urllib.parse

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from conftest import SLOWNESS
from exchange import request


class Watcher:
    """A WHEP player: one session, its tracks, where it ends."""

    def __init__(self, page):
        self.page = page
        # An empty list: without one it asks a public STUN server.
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._receivers = {
            kind: self.connection.addTransceiver(kind, direction="recvonly").receiver for kind in ("video", "audio")
        }
        self.session = None

    async def __aenter__(self):
        # aiortc gathers all of its candidates before it has a local description.
        await self.connection.setLocalDescription(await self.connection.createOffer())
        status, headers, answer = await asyncio.to_thread(
            request, "POST", f"{self.page}whep", self.connection.localDescription.sdp.encode(), "application/sdp"
        )
        assert status == 201, answer
        assert headers.get_content_type() == "application/sdp"
        assert headers["ETag"]
        self.session = urllib.parse.urljoin(f"{self.page}whep", headers["Location"])
        await self.connection.setRemoteDescription(RTCSessionDescription(answer.decode(), "answer"))
        return self

    async def __aexit__(self, *_):
        await self.connection.close()

    async def receive(self, kind, count):
        """The next pictures or sounds of the door."""
        async with asyncio.timeout(30 * SLOWNESS):
            return [await self._receivers[kind].track.recv() for _ in range(count)]


def test_the_test_card_moves_and_the_tone_sounds(daemon):
    async def call():
        async with Watcher(daemon.url()) as watcher:
            pictures, sounds = await asyncio.gather(watcher.receive("video", 30), watcher.receive("audio", 100))
        return pictures, sounds

    pictures, sounds = asyncio.run(call())

    assert {(picture.width, picture.height) for picture in pictures} == {(320, 180)}
    assert len({bytes(picture.planes[0]) for picture in pictures}) > 5, "the pictures are all alike"
    stamps = [picture.pts for picture in pictures]
    assert stamps == sorted(set(stamps)), "time stamps that do not rise"

    assert {sound.sample_rate for sound in sounds} == {48_000}
    heard = array.array("h", b"".join(bytes(sound.planes[0]) for sound in sounds[50:]))
    level = math.sqrt(sum(sample * sample for sample in heard) / len(heard)) / 32_768
    assert level > 0.005, f"the tone is at {level:.4f} of full scale"


def test_deleting_the_session_ends_it(daemon):
    async def call():
        async with Watcher(daemon.url()) as watcher:
            await watcher.receive("video", 3)
            first = await asyncio.to_thread(request, "DELETE", watcher.session)
            second = await asyncio.to_thread(request, "DELETE", watcher.session)
            return first[0], second[0]

    first, second = asyncio.run(call())
    assert first == 200
    assert second == 404


def test_an_offer_that_is_none_is_refused_and_the_daemon_goes_on(daemon):
    status, _, _ = request("POST", daemon.url(path="whep"), b"v=0\r\nnot an offer", "application/sdp")
    assert status == 400
    status, _, _ = request("POST", daemon.url(path="whep"), b"{}", "application/json")
    assert status == 415
    assert request("GET", daemon.url())[0] == 200


def test_sigterm_ends_the_daemon_in_mid_call(daemon):
    async def call():
        async with Watcher(daemon.url()) as watcher:
            await watcher.receive("video", 3)
            return await asyncio.to_thread(daemon.stop)

    assert asyncio.run(call()) < 2 * SLOWNESS
    assert daemon.process.returncode == 0
