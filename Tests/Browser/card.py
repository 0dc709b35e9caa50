"""Reads the clock out of the test card as a browser shows it; Sources/Camera/TestCardStrip.swift draws and documents the strip."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

# An expression over the page's <video>: { milliseconds, number }, or null when this picture's strip cannot be read.
READ = """(() => {
    const video = document.querySelector("video");
    if (!video?.videoWidth) return null;
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0);
    const columns = 24, left = 0.04, right = 0.96, top = 0.86, rowHeight = 0.06;
    const meanLuma = (row, column) => {
        const cell = ((right - left) / columns) * canvas.width;
        const height = rowHeight * canvas.height;
        const x = Math.round(left * canvas.width + (column + 0.25) * cell);
        const y = Math.round(top * canvas.height + (row + 0.25) * height);
        const { data } = context.getImageData(x, y, Math.max(1, Math.floor(cell / 2)), Math.max(1, Math.floor(height / 2)));
        let sum = 0;
        for (let index = 0; index < data.length; index += 4) sum += 0.299 * data[index] + 0.587 * data[index + 1] + 0.114 * data[index + 2];
        return sum / (data.length / 4);
    };
    let bits = "";
    for (const row of [0, 1]) {
        const lumas = Array.from({ length: columns }, (_, column) => meanLuma(row, column));
        const [light, dark] = row === 0 ? [lumas[0], lumas[columns - 1]] : [lumas[columns - 1], lumas[0]];
        if (light - dark < 40) return null;
        bits += lumas.slice(1, -1).map((luma) => (luma > (light + dark) / 2 ? "1" : "0")).join("");
    }
    const content = bits.slice(0, 36).padStart(40, "0");
    let checksum = 0xff;
    for (let index = 0; index < 40; index += 8) {
        checksum ^= parseInt(content.slice(index, index + 8), 2);
        for (let bit = 0; bit < 8; bit += 1) checksum = ((checksum << 1) ^ (checksum & 0x80 ? 0x07 : 0)) & 0xff;
    }
    if (checksum !== parseInt(bits.slice(36), 2)) return null;
    return { milliseconds: parseInt(bits.slice(0, 27), 2), number: parseInt(bits.slice(27, 36), 2), readAt: Date.now() };
})()"""

DAY = 86_400_000


@dataclass(frozen=True)
class Reading:
    #: Milliseconds since midnight, local time, when the daemon drew the picture.
    milliseconds: int
    #: The picture's number, modulo 512.
    number: int
    #: Milliseconds since the epoch when the page looked.
    read_at: float

    @property
    def age(self) -> float:
        """How old the picture was when it was looked at, in milliseconds: the whole way from the card to the screen."""
        moment = time.localtime(self.read_at / 1000)
        seen = (moment.tm_hour * 3600 + moment.tm_min * 60 + moment.tm_sec) * 1000 + self.read_at % 1000
        return (seen - self.milliseconds + DAY / 2) % DAY - DAY / 2


def read(page: Any, seconds: float = 10) -> Reading:
    """The next picture whose strip can be read."""
    value = page.wait_for(READ, seconds)
    return Reading(value["milliseconds"], value["number"], value["readAt"])
