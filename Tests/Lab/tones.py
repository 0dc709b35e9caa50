"""Tones to play, and how much of a tone is in a recording."""

import array
import math
import wave

RATE = 48_000


def write_wave(path, frequency, seconds, channels=1, rate=RATE, on=None, off=0.0):
    """A sine in 16-bit samples at half of full scale; with `on`, in bursts of so many seconds with `off` seconds of silence between."""
    samples = array.array("h")
    for n in range(int(seconds * rate)):
        sounds = on is None or (n / rate) % (on + off) < on
        value = int(16_384 * math.sin(2 * math.pi * frequency * n / rate)) if sounds else 0
        samples.extend([value] * channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def read_wave(path):
    """The first channel's samples, -1 to 1, and the rate."""
    with wave.open(str(path), "rb") as file:
        samples = array.array("h", file.readframes(file.getnframes()))
        return [value / 32_768 for value in samples[:: file.getnchannels()]], file.getframerate()


def loudest_share(samples, rate, frequency, window=0.05):
    """The loudest window's root mean square, and the share of its power that is at `frequency` (0 to 1)."""
    size = int(window * rate)
    windows = (samples[start : start + size] for start in range(0, len(samples) - size + 1, size))
    loudest = max(windows, key=lambda part: sum(value * value for value in part), default=[])
    power = sum(value * value for value in loudest)
    if not power:
        return 0.0, 0.0
    # Goertzel's algorithm: one bin of the Fourier transform; a pure sine at that bin has |X|² = size · power / 2.
    turn = 2 * math.cos(2 * math.pi * round(frequency * window) / size)
    one = two = 0.0
    for value in loudest:
        one, two = value + turn * one - two, one
    bin_power = one * one + two * two - turn * one * two
    return math.sqrt(power / size), min(1.0, bin_power / (size * power / 2))
