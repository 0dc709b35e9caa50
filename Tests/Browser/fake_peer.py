"""The fake door's WebRTC peer (aiortc): a moving picture, a tone, and the means to stop either."""

from __future__ import annotations

import asyncio
import fractions
import math
from typing import Any

import numpy
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame, VideoFrame

SAMPLE_RATE = 48_000
SAMPLES = 960


class Garden(VideoStreamTrack):
    """A picture to look at: a path, a sky, and a visitor who sways."""

    def __init__(self, width: int = 1280, height: int = 720):
        super().__init__()
        self.is_frozen = False
        self._number = 0
        rows, columns = numpy.mgrid[0:height, 0:width]
        depth = rows / height
        picture = numpy.empty((height, width, 3), numpy.float32)
        sky = depth < 0.45
        picture[..., 0] = numpy.where(sky, 150 + 130 * depth, 92 + 40 * depth)
        picture[..., 1] = numpy.where(sky, 178 + 90 * depth, 128 - 30 * depth)
        picture[..., 2] = numpy.where(sky, 214 + 20 * depth, 78 - 10 * depth)
        path = ~sky & (abs(columns - width / 2) < width * (0.04 + 0.38 * (depth - 0.45)))
        picture[path] = (196, 184, 166)
        self._background = picture.astype(numpy.uint8)
        self._rows, self._columns = rows, columns

    async def recv(self) -> VideoFrame:
        while self.is_frozen:
            await asyncio.sleep(0.05)
        pts, time_base = await self.next_timestamp()
        self._number += 1
        height, width = self._rows.shape
        centre = width / 2 + width * 0.03 * math.sin(self._number / 15)
        picture = self._background.copy()
        body = (abs(self._columns - centre) < width * 0.07) & (self._rows > height * 0.5)
        head = numpy.hypot(self._columns - centre, self._rows - height * 0.4) < height * 0.1
        picture[body] = (44, 62, 86)
        picture[head] = (206, 160, 128)
        frame = VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(MediaStreamTrack):
    """440 Hz."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0
        self._start = 0.0

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._start = self._start or loop.time()
        await asyncio.sleep(max(0.0, self._start + self._sent / SAMPLE_RATE - loop.time()))
        phase = (self._sent + numpy.arange(SAMPLES)) * 2 * math.pi * 440 / SAMPLE_RATE
        frame = AudioFrame.from_ndarray((numpy.sin(phase) * 8000).astype(numpy.int16)[numpy.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, self._sent, fractions.Fraction(1, SAMPLE_RATE)
        self._sent += SAMPLES
        return frame


class FakePeer:
    """Answers one page's offer."""

    def __init__(self) -> None:
        # No server: the default is a public one, which the private network does not reach.
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.picture = Garden()
        self.heard: list[float] = []
        self._listening: asyncio.Task[None] | None = None

    async def answer(self, offer: dict[str, str]) -> dict[str, str]:
        @self.connection.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            if track.kind == "audio":
                self._listening = asyncio.ensure_future(self._listen(track))

        await self.connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
        self.connection.addTrack(self.picture)
        self.connection.addTrack(Tone())
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return {"type": "answer", "sdp": self.connection.localDescription.sdp}

    async def add_candidate(self, candidate: dict[str, Any] | None) -> None:
        # A browser's .local names resolve nowhere here; its checks reach this peer all the same.
        if not candidate or not candidate["candidate"] or ".local " in candidate["candidate"]:
            return
        parsed = candidate_from_sdp(candidate["candidate"].removeprefix("candidate:"))
        parsed.sdpMid, parsed.sdpMLineIndex = candidate["sdpMid"], candidate["sdpMLineIndex"]
        await self.connection.addIceCandidate(parsed)

    async def close(self) -> None:
        if self._listening:
            self._listening.cancel()
        await self.connection.close()

    async def _listen(self, track: MediaStreamTrack) -> None:
        """Keeps the loudness (root mean square, full scale 1) of what the page's microphone sends."""
        while True:
            frame = await track.recv()
            samples = frame.to_ndarray().astype(numpy.float64) / 32768
            self.heard.append(float(numpy.sqrt(numpy.mean(samples**2))))
