"""GStreamer's webrtcbin as the other stack: the program gstreamer_end.py under the system's Python, which has GStreamer's bindings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lines import LineProgram, read, written
from stack import FIRST_SIZE, SECOND_SIZE, TONE, Description, Lacking, Received, Stack, Video


class GStreamerStack(Stack):
    # the smaller of what the two descriptions say, and its own says nothing (RFC 8841 §6.1)
    longest_message = 65_536
    # webrtcbin refuses an offer whose media descriptions could do with transports of their own ("different ice-ufrag values in bundle")
    bundle_policy = "max-bundle"

    def __init__(self) -> None:
        self._program = LineProgram(["/usr/bin/python3", str(Path(__file__).with_name("gstreamer_end.py"))])
        begun = self._program.ask("begin", width=FIRST_SIZE[0], height=FIRST_SIZE[1], frequency=TONE, seconds=30)
        self.name = f"webrtcbin {begun['version']}"
        self.why_no_empty_messages = f"{self.name} gives SCTP the no bytes of an empty message, and its channel breaks (RFC 8831 §6.6)"

    def offer(self) -> Description:
        return self._description(self._program.ask("offer"))

    def answer(self, offer: Description) -> Description:
        return self._description(self._program.ask("answer", sdp=offer["sdp"]))

    def accept(self, answer: Description) -> None:
        self._program.ask("accept", sdp=answer["sdp"])

    def add_candidate(self, candidate: dict[str, Any]) -> None:
        if candidate["candidate"]:
            self._program.ask("candidate", candidate=candidate["candidate"], index=candidate["sdpMLineIndex"])

    def take_candidates(self) -> list[dict[str, Any]]:
        self._program.ask("state")
        notices, self._program.notices = self._program.notices, []
        return [
            {"candidate": each["candidate"], "sdpMid": None, "sdpMLineIndex": each["index"]} for each in notices if "candidate" in each
        ]

    def state(self) -> str:
        return self._program.ask("state")["state"]

    def received(self) -> Received:
        got = self._program.ask("received")
        videos = {mid: Video(**video) for mid, video in got["videos"].items()}
        return Received(videos=videos, frequency=got["frequency"], level=got["level"])

    def restart_ice(self) -> None:
        raise Lacking(f"{self.name} has no means to restart ICE: neither an option of create-offer nor a signal")

    def add_video(self) -> None:
        self._program.ask("addVideo", width=SECOND_SIZE[0], height=SECOND_SIZE[1])

    def remove_video(self) -> None:
        self._program.ask("removeVideo")

    def create_channel(self, label: str) -> None:
        self._program.ask("createChannel", label=label)

    def send(self, label: str, message: str | bytes) -> None:
        self._program.ask_again("send", label=label, **written(message))

    def messages(self, label: str) -> list[str | bytes]:
        return [self._swapped(read(message)) for message in self._program.ask("messages", label=label)["messages"]]

    def close(self) -> None:
        self._program.stop()

    @staticmethod
    def _swapped(message: str | bytes) -> str | bytes:
        """webrtcbin takes the identifiers of the two empty messages (RFC 8831 §8) the wrong way round."""
        return {"": b"", b"": ""}.get(message, message)

    @staticmethod
    def _description(reply: dict[str, Any]) -> Description:
        return {"type": reply["type"], "sdp": reply["sdp"]}
