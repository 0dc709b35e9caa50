"""What the matrix does with another WebRTC stack, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

#: What every stack sends from the beginning, and what it adds later. Ours are of other sizes: no picture is taken for another.
FIRST_SIZE = (320, 240)
SECOND_SIZE = (192, 144)
#: The tone that every side sends, in hertz.
TONE = 440

Description = dict[str, str]


class Lacking(Exception):
    """The stack cannot do what a check is about; the text says what exactly."""


@dataclass
class Video:
    """Pictures decoded of one media description, and the size of the last."""

    frames: int
    width: int
    height: int


@dataclass
class Received:
    """What a stack has received so far: pictures by the tag (mid) of their media description; sound by its level, of which 0
    is silence, and its strongest frequency in hertz, or None where that cannot be measured."""

    videos: dict[str, Video] = field(default_factory=dict)
    frequency: float | None = None
    level: float = 0


class Stack(ABC):
    """One connection of another stack. It sends a moving picture of FIRST_SIZE in H.264 and a tone in Opus from the beginning."""

    #: The stack's name and version.
    name: str
    #: The policy of ours that its answers need.
    bundle_policy = "balanced"
    #: The longest message that it sends, in bytes; None where only the description's bound counts.
    longest_message: int | None = None
    #: Why it cannot send an empty message; None where it can.
    why_no_empty_messages: str | None = None

    def why_no_pictures(self) -> str | None:
        """Why a stack that is connected encodes no picture; None where it does."""
        return None

    @abstractmethod
    def offer(self) -> Description:
        """Makes an offer and sets it."""

    @abstractmethod
    def answer(self, offer: Description) -> Description:
        """Takes an offer, makes the answer and sets it."""

    @abstractmethod
    def accept(self, answer: Description) -> None: ...

    @abstractmethod
    def add_candidate(self, candidate: dict[str, Any]) -> None: ...

    @abstractmethod
    def take_candidates(self) -> list[dict[str, Any]]:
        """The candidates gathered since this was last asked, that are in no description."""

    @abstractmethod
    def state(self) -> str:
        """`connectionState`."""

    @abstractmethod
    def received(self) -> Received: ...

    def wait_for_early_checks(self) -> None:
        """Waits until it checks from the candidates of an offer that has no answer yet; returns in time where it does not."""

    @abstractmethod
    def restart_ice(self) -> None:
        """The next offer restarts ICE."""

    @abstractmethod
    def add_video(self) -> None:
        """Sends a second moving picture, of SECOND_SIZE, from the next exchange on."""

    @abstractmethod
    def remove_video(self) -> None:
        """Sends it no longer."""

    @abstractmethod
    def create_channel(self, label: str) -> None: ...

    @abstractmethod
    def send(self, label: str, message: str | bytes) -> None:
        """Sends on the channel `label`, whoever made it."""

    @abstractmethod
    def messages(self, label: str) -> list[str | bytes]:
        """What has come on the channel `label`; empty where there is none (yet)."""

    @abstractmethod
    def close(self) -> None: ...
