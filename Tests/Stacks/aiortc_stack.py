"""aiortc as the other stack, in this process, on an event loop of its own."""

from __future__ import annotations

import asyncio
import importlib.metadata
import threading
from collections.abc import Coroutine
from typing import Any

import numpy
from aiortc import MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc import VideoStreamTrack
from aiortc.codecs import CODECS
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import AudioResampler, VideoFrame

from fake_peer import SAMPLE_RATE, Tone
from stack import FIRST_SIZE, SECOND_SIZE, Description, Lacking, Received, Stack, Video

#: The payload types of our own offers. aiortc offers by numbers of its own even where others were agreed on, which RFC 3264
#: §8.3.2 forbids, and goes on sending by the old ones; with the same numbers from the beginning on there is nothing to change.
PAYLOAD_TYPES = {101: 102, 102: 103, 96: 111}
for codec in [*CODECS["audio"], *CODECS["video"]]:
    codec.payloadType = PAYLOAD_TYPES.get(codec.payloadType, codec.payloadType)
    if "apt" in codec.parameters:
        codec.parameters["apt"] = PAYLOAD_TYPES.get(codec.parameters["apt"], codec.parameters["apt"])


class Picture(VideoStreamTrack):
    """A shade that changes."""

    def __init__(self, size: tuple[int, int]):
        super().__init__()
        self._width, self._height = size

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        shade = numpy.full((self._height, self._width, 3), pts // 3000 % 256, numpy.uint8)
        frame = VideoFrame.from_ndarray(shade, format="bgr24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class AiortcStack(Stack):
    def __init__(self) -> None:
        self.name = f"aiortc {importlib.metadata.version('aiortc')}"
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._received = Received()
        self._sound = numpy.zeros(0)
        self._channels: dict[str, tuple[RTCDataChannel, list[str | bytes]]] = {}
        self._listening: set[asyncio.Task[None]] = set()
        self._run(self._begin())

    def offer(self) -> Description:
        async def offer() -> None:
            await self._connection.setLocalDescription(await self._connection.createOffer())

        self._run(offer())
        return self._described()

    def answer(self, offer: Description) -> Description:
        async def answer() -> None:
            await self._connection.setRemoteDescription(RTCSessionDescription(**offer))
            await self._connection.setLocalDescription(await self._connection.createAnswer())

        self._run(answer())
        return self._described()

    def accept(self, answer: Description) -> None:
        self._run(self._connection.setRemoteDescription(RTCSessionDescription(**answer)))

    def add_candidate(self, candidate: dict[str, Any]) -> None:
        if candidate["candidate"]:
            parsed = candidate_from_sdp(candidate["candidate"].removeprefix("candidate:"))
            parsed.sdpMid, parsed.sdpMLineIndex = candidate["sdpMid"], candidate["sdpMLineIndex"]
            self._run(self._connection.addIceCandidate(parsed))

    def take_candidates(self) -> list[dict[str, Any]]:
        return []  # all are in the description

    def state(self) -> str:
        return self._connection.connectionState

    def received(self) -> Received:
        sound = self._sound
        if sound.size:
            spectrum = numpy.abs(numpy.fft.rfft(sound * numpy.hanning(sound.size)))
            self._received.frequency = float(numpy.argmax(spectrum)) * SAMPLE_RATE / sound.size
            self._received.level = float(numpy.sqrt(numpy.mean(sound**2)))
        return self._received

    def restart_ice(self) -> None:
        raise Lacking(f"{self.name} has no restartIce(), and its createOffer() always repeats the same ICE credentials")

    def add_video(self) -> None:
        async def add() -> None:
            self._second = self._connection.addTrack(Picture(SECOND_SIZE))

        self._run(add())
        self._prefer_h264()

    def remove_video(self) -> None:
        # aiortc has no removeTrack(), whose effect on descriptions this is
        transceiver = next(each for each in self._connection.getTransceivers() if each.sender == self._second)
        transceiver.direction = "recvonly"

    def create_channel(self, label: str) -> None:
        async def create() -> None:
            self._keep(self._connection.createDataChannel(label))

        self._run(create())

    def send(self, label: str, message: str | bytes) -> None:
        async def send() -> None:
            async with asyncio.timeout(10):
                while label not in self._channels or self._channels[label][0].readyState != "open":
                    await asyncio.sleep(0.01)
            self._channels[label][0].send(message)

        self._run(send())

    def messages(self, label: str) -> list[str | bytes]:
        return list(self._channels[label][1]) if label in self._channels else []

    def close(self) -> None:
        async def close() -> None:
            await self._connection.close()
            for task in self._listening:
                task.cancel()

        self._run(close())
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _begin(self) -> None:
        # an empty list: without one it asks a public STUN server
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.on("track", self._take)
        self._connection.on("datachannel", self._keep)
        self._connection.addTrack(Tone())
        self._connection.addTrack(Picture(FIRST_SIZE))
        self._prefer_h264()

    def _prefer_h264(self) -> None:
        codecs = [codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.mimeType in ("video/H264", "video/rtx")]
        for transceiver in self._connection.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences(codecs)

    def _take(self, track: MediaStreamTrack) -> None:
        task = asyncio.ensure_future(self._watch(track) if track.kind == "video" else self._listen(track))
        self._listening.add(task)

    async def _watch(self, track: MediaStreamTrack) -> None:
        transceiver = next(each for each in self._connection.getTransceivers() if each.receiver.track == track)
        try:
            while True:
                frame = await track.recv()
                frames = self._received.videos[transceiver.mid].frames if transceiver.mid in self._received.videos else 0
                self._received.videos[transceiver.mid] = Video(frames + 1, frame.width, frame.height)
        except MediaStreamError:
            pass  # the track has ended

    async def _listen(self, track: MediaStreamTrack) -> None:
        resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        try:
            while True:
                for frame in resampler.resample(await track.recv()):
                    self._sound = numpy.concatenate([self._sound, frame.to_ndarray()[0]])[-SAMPLE_RATE // 2 :]
        except MediaStreamError:
            pass

    def _keep(self, channel: RTCDataChannel) -> None:
        messages: list[str | bytes] = []
        channel.on("message", messages.append)
        self._channels[channel.label] = channel, messages

    def _described(self) -> Description:
        return {"type": self._connection.localDescription.type, "sdp": self._connection.localDescription.sdp}

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)
