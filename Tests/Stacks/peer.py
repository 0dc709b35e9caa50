"""Our peer: the program interop-peer (Tests/Interop/Peer)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import av

from daemon import BINARY as DAEMON
from lines import LineProgram, read, written
from network import LAN_ADDRESS
from stack import Description, Received, Video

BINARY = DAEMON.parent / "interop-peer"


class Peer:
    """One connection of ours, which sends a test card of `size` and a tone from the beginning."""

    def __init__(self, size: tuple[int, int], *, dtls_server: bool, bundle_policy: str):
        self._folder = tempfile.TemporaryDirectory(prefix="doorward-interop-")
        self._program = LineProgram([str(BINARY), LAN_ADDRESS])
        self._program.ask("create", dtlsServer=dtls_server, bundlePolicy=bundle_policy, record=self._folder.name)
        self._program.ask("addTrack", kind="audio")
        self.add_video(size)
        self._seen = 0

    def offer(self) -> Description:
        return self._description(self._program.ask("offer"))

    def take(self, description: Description) -> Description | None:
        """Takes a description; returns the answer to an offer."""
        reply = self._program.ask("description", **description)
        return self._description(reply) if description["type"] == "offer" else None

    def add_candidate(self, candidate: dict[str, Any]) -> None:
        self._program.ask(
            "candidate", candidate=candidate["candidate"], sdpMid=candidate.get("sdpMid"), sdpMLineIndex=candidate.get("sdpMLineIndex")
        )

    def add_video(self, size: tuple[int, int]) -> int:
        return self._program.ask("addTrack", kind="video", width=size[0], height=size[1])["track"]

    def remove_track(self, track: int) -> None:
        self._program.ask("removeTrack", track=track)

    def create_channel(self, label: str) -> None:
        self._program.ask("createDataChannel", label=label)

    def send(self, label: str, message: str | bytes) -> None:
        """Sends on the channel `label`, whoever made it, once it is open."""
        self._program.ask_again("send", seconds=3, label=label, **written(message))

    def messages(self, label: str) -> list[str | bytes]:
        return [read(message) for message in self._program.ask("messages", label=label)["messages"]]

    def restart_ice(self) -> None:
        self._program.ask("restartIce")

    def state(self) -> dict[str, Any]:
        return self._program.ask("state")["state"]

    def takes_negotiation_needed(self) -> bool:
        """Whether `negotiationneeded` was told since this was last asked."""
        self._program.ask("state")
        new, self._seen = self._program.notices[self._seen :], len(self._program.notices)
        return any(notice["event"] == "negotiationneeded" for notice in new)

    def media(self, mid: str) -> dict[str, Any]:
        """What has come on the media description `mid`."""
        return next((media for media in self.state()["media"] if media.get("mid") == mid), {"pictures": 0, "packets": 0, "keyFrames": 0})

    def recorded(self) -> Received:
        """The pictures that came, decoded by FFmpeg; the sound is measured by the peer itself."""
        received = Received()
        for media in self.state()["media"]:
            file = Path(self._folder.name) / f"{media.get('mid')}.h264"
            if media["kind"] == "audio":
                received.level, received.frequency = media.get("level", 0), media.get("frequency", 0)
            elif file.exists():
                received.videos[media["mid"]] = self._decode(file)
        return received

    def describe(self) -> str:
        stats = self._program.ask("stats")["stats"]
        paths = [report for report in stats.values() if report["type"] in ("transport", "candidate-pair", "remote-candidate")]
        return "\n".join(map(str, (self.state(), self._program.notices[-30:], *paths)))

    def stop(self) -> None:
        self._program.stop()
        self._folder.cleanup()

    @staticmethod
    def _decode(file: Path) -> Video:
        video = Video(0, 0, 0)
        try:
            with av.open(str(file), format="h264") as container:
                for frame in container.decode(video=0):
                    video = Video(video.frames + 1, frame.width, frame.height)
        except (av.error.InvalidDataError, av.error.EOFError):
            pass  # nothing whole is there yet, or its last picture is still being written
        return video

    @staticmethod
    def _description(reply: dict[str, Any]) -> Description:
        return {"type": reply["type"], "sdp": reply["sdp"]}
