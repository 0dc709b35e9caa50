"""What a viewer sees in the course of a call: the page takes it down by itself, so that asking for it disturbs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Each presented frame with its time (milliseconds since the epoch), and four times a second what the statistics say of the picture.
BEGIN = """(() => {
    const seen = (window.seen = { frames: [], samples: [], connections: [] });
    const video = document.querySelector("video");
    const presented = (now) => {
        seen.frames.push(performance.timeOrigin + now);
        video.requestVideoFrameCallback(presented);
    };
    video.requestVideoFrameCallback(presented);
    setInterval(async () => {
        const connection = doorward.peerConnection;
        if (!connection) return;
        if (seen.connections.at(-1) !== connection) seen.connections.push(connection);
        const reports = [...(await connection.getStats()).values()];
        const picture = reports.find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
        if (picture) seen.samples.push(picture);
    }, 250);
    return true;
})()"""

END = "(({ frames, samples, connections }) => ({ frames, samples, connections: connections.length }))(window.seen)"


@dataclass(frozen=True)
class Span:
    """What was seen between two moments, in seconds since the epoch."""

    begin: float
    end: float
    #: When each frame was presented.
    frames: list[float]
    #: The inbound-rtp statistics of the picture, each with its `timestamp` in seconds.
    samples: list[dict[str, Any]]

    @property
    def longest_gap(self) -> float:
        """The longest time without a new frame, in seconds."""
        moments = [self.begin, *self.frames, self.end]
        return max(after - before for before, after in zip(moments, moments[1:]))

    @property
    def frame_rate(self) -> float:
        """Frames decoded in a second."""
        return self.change("framesDecoded") / self.seconds

    @property
    def bitrate(self) -> float:
        """bit/s of the picture that arrived, without headers."""
        return self.change("bytesReceived") * 8 / self.seconds

    @property
    def widths(self) -> set[int]:
        """The widths that the picture had."""
        return {sample["frameWidth"] for sample in self.samples if "frameWidth" in sample}

    @property
    def seconds(self) -> float:
        """From the first to the last sample."""
        return self.samples[-1]["timestamp"] - self.samples[0]["timestamp"] if len(self.samples) > 1 else float("inf")

    def change(self, name: str) -> float:
        """By how much a counter rose."""
        values = [sample[name] for sample in self.samples if name in sample]
        return values[-1] - values[0] if values else 0


class Seen:
    """All that a page took down since `begin`."""

    def __init__(self, page: Any):
        taken = page.evaluate(END)
        self._frames = [at / 1000 for at in taken["frames"]]
        self._samples = [{**sample, "timestamp": sample["timestamp"] / 1000} for sample in taken["samples"]]
        #: How many peer connections there were: more than one, and the page has called again.
        self.connections: int = taken["connections"]

    @staticmethod
    def begin(page: Any) -> None:
        """Has the page take down from now on what it shows."""
        page.evaluate(BEGIN)

    def between(self, begin: float, end: float) -> Span:
        return Span(
            begin,
            end,
            [at for at in self._frames if begin <= at < end],
            [sample for sample in self._samples if begin <= sample["timestamp"] < end],
        )
