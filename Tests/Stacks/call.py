"""A call between our peer and another stack, and how the two exchange descriptions and candidates."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from peer import Peer
from stack import FIRST_SIZE, Description, Lacking, Received, Stack

#: What our peer sends.
OUR_FIRST_SIZE = (320, 180)
OUR_SECOND_SIZE = (256, 144)


@dataclass(frozen=True)
class Section:
    """A media description."""

    kind: str
    mid: str
    direction: str
    fragment: str
    setup: str


def sections(description: Description) -> list[Section]:
    """The media descriptions that are not rejected."""
    found = []
    for text in re.split(r"^m=", description["sdp"], flags=re.MULTILINE)[1:]:

        def attribute(name: str, text: str = text) -> str:
            match = re.search(rf"^a={name}:(\S+)", text, re.MULTILINE)
            return match[1] if match else ""

        kind, port = text.split()[:2]
        direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", text, re.MULTILINE)
        if port != "0" or "a=bundle-only" in text:
            found.append(
                Section(kind, attribute("mid"), direction[1] if direction else "sendrecv", attribute("ice-ufrag"), attribute("setup"))
            )
    return found


class Call:
    """One call; `role` is our side's in DTLS."""

    def __init__(self, stack: Stack, *, we_offer: bool, role: str):
        self.stack = stack
        self.we_offer = we_offer
        self.role = role
        self.is_connected = False
        self.our_second: int | None = None
        self.our_second_mid = self.their_second_mid = ""
        self.peer = Peer(OUR_FIRST_SIZE, dtls_server=role == "server", bundle_policy=stack.bundle_policy)
        self.offer: Description = {}
        self.answer: Description = {}

    @property
    def first_mid(self) -> str:
        """The media description that both first pictures go by."""
        return next(section.mid for section in sections(self.answer) if section.kind == "video")

    @property
    def their_maximum_message_size(self) -> int:
        """In bytes; RFC 8841 §6.1: 64 kB where the description does not say."""
        theirs = self.answer if self.we_offer else self.offer
        said = re.search(r"^a=max-message-size:(\d+)", theirs["sdp"], re.MULTILINE)
        return int(said[1]) if said else 65_536

    def connect(self) -> None:
        # An offer leaves the role to the answer, and every stack's answer chooses the client's: a stack is made the server by an offer that
        # asks for it, which older ones did (RFC 5763 §5).
        (self.peer if self.we_offer else self.stack).create_channel("first")
        self.exchange(we_offer=self.we_offer, setup="passive" if self.role == "server" else "active")
        self.wait_until(lambda: self._states() == ("connected", "connected"), self._states, seconds=15)
        self.is_connected = True

    def exchange(self, *, we_offer: bool, setup: str | None = None, is_late: bool = False) -> tuple[Description, Description]:
        """An offer and its answer, all the way; `setup` takes the place of our offer's, and their offer may come late."""
        if we_offer:
            assert self.peer.takes_negotiation_needed(), "our peer does not see that negotiation is needed"
            self.offer = self.peer.offer()
            assert {section.setup for section in sections(self.offer)} <= {"actpass", ""}
            sent = {**self.offer, "sdp": self.offer["sdp"].replace("a=setup:actpass", f"a=setup:{setup or 'actpass'}")}
            self.answer = self.stack.answer(sent)
            self.peer.take(self.answer)
        else:
            self.offer = self.stack.offer()
            if is_late:
                self.stack.wait_for_early_checks()
            answer = self.peer.take(self.offer)
            assert answer
            self.answer = answer
            self.stack.accept(self.answer)
        self.forward_candidates()
        return self.offer, self.answer

    def forward_candidates(self) -> None:
        for candidate in self.stack.take_candidates():
            self.peer.add_candidate(candidate)

    def wait_until(self, condition: Callable[[], object], describe: Callable[[], object], seconds: float = 10) -> None:
        """Forwards candidates until the condition holds."""
        deadline = time.monotonic() + seconds
        while True:
            self.forward_candidates()
            if condition():
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"did not come about within {seconds} s: {describe()}\n{self.peer.describe()}")
            time.sleep(0.05)

    def wait_for_theirs(self, mid: str, size: tuple[int, int]) -> None:
        """Waits until we have received a second's worth of their pictures of that size."""
        if reason := self.stack.why_no_pictures():
            raise Lacking(reason)
        first = self.peer.media(mid)["pictures"]
        self.wait_until(lambda: self.peer.media(mid)["pictures"] >= first + 15, lambda: self.peer.media(mid))
        assert self.peer.media(mid)["keyFrames"] >= 1
        video = self.peer.recorded().videos[mid]
        assert (video.width, video.height) == size
        assert video.frames >= 15

    def wait_for_ours(self, mid: str, size: tuple[int, int]) -> None:
        """Waits until they have decoded a second's worth of our pictures of that size."""
        first = self._frames(self.stack.received(), mid)

        def has_come() -> bool:
            received = self.stack.received()
            return self._frames(received, mid) >= first + 15 and (received.videos[mid].width, received.videos[mid].height) == size

        self.wait_until(has_come, self.stack.received)

    def wait_for_their_media(self) -> None:
        """Waits for more of their first pictures; where there are none, for a second of their sound."""
        if not self.stack.why_no_pictures():
            return self.wait_for_theirs(self.first_mid, FIRST_SIZE)
        mid = next(section.mid for section in sections(self.answer) if section.kind == "audio")
        first = self.peer.media(mid)["packets"]
        self.wait_until(lambda: self.peer.media(mid)["packets"] >= first + 50, lambda: self.peer.media(mid))

    def wait_for_media_both_ways(self) -> None:
        self.wait_for_their_media()
        self.wait_for_ours(self.first_mid, OUR_FIRST_SIZE)

    def stops(self, count: Callable[[], int], goes_on: Callable[[], None]) -> bool:
        """Whether a count stands still while something else goes on; what was under way may come in first."""
        goes_on()
        before = count()
        goes_on()
        return count() == before

    def frames(self, mid: str) -> int:
        return self._frames(self.stack.received(), mid)

    def close(self) -> None:
        try:
            self.peer.stop()
        finally:
            self.stack.close()

    def _states(self) -> tuple[str, str]:
        return self.peer.state()["connectionState"], self.stack.state()

    @staticmethod
    def _frames(received: Received, mid: str) -> int:
        return received.videos[mid].frames if mid in received.videos else 0
