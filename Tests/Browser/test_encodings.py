"""Two native viewers, one of them on a link that becomes bad: each sees what its own network bears."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from daemon import BINARY
from link import Link, Links
from shuttle import Conditions

pytestmark = pytest.mark.alone

WAY = Conditions(delay=0.02)
FALLEN = Conditions(delay=0.02, rate=600e3)


class Viewer:
    """`doorward view` at the far end of a link."""

    def __init__(self, link: Link, port: int, folder: Path):
        self._link = link
        self._video = folder / f"{link.there}.h264"
        self._output = folder / f"{link.there}.log"
        with self._output.open("wb") as output:
            command = [*link.namespace.enter, str(BINARY), "view", f"http://{link.here}:{port}/whep", "--save-video", str(self._video)]
            self._process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=10)

    @property
    def rates(self) -> list[float]:
        """Pictures a second, for each second."""
        return [float(rate) for rate in re.findall(r"H264 \w+, ([\d.]+) pictures/s", self._output.read_text())]

    def widths(self) -> list[int]:
        """The width of every picture that another decoder makes of what was saved."""
        command = ["ffprobe", "-v", "error", "-f", "h264", "-select_streams", "v", "-show_entries", "frame=width", "-of", "csv=p=0"]
        found = subprocess.run([*command, str(self._video)], check=True, capture_output=True, text=True)
        assert not found.stderr, found.stderr
        return [int(line.strip(",")) for line in found.stdout.split()]


def _encodings(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {encoding["name"]: encoding for encoding in status["video"]["encodings"]}


@pytest.fixture
def links():
    with Links(2) as links:
        for number in range(2):
            links[number].set(down=WAY, up=WAY)
        yield links


@pytest.mark.flaky(reruns=2)  # a machine that is busy for a moment has the door encode less
def test_a_bad_link_has_a_smaller_picture_and_the_good_one_keeps_its_own(start_daemon, links, tmp_path):
    daemon = start_daemon(**{"video.bitrate_kbps": 2500, "video.test_card_grain": 16})
    good, bad = (Viewer(links[number], daemon.port, tmp_path) for number in range(2))
    daemon.wait_for_status(lambda status: status["players"] == 2, seconds=10)
    time.sleep(5)
    daemon.wait_for_status(lambda status: set(_encodings(status)) == {"main"}, seconds=30)

    links[1].set(down=FALLEN)
    status = daemon.wait_for_status(lambda status: _encodings(status).get("low", {}).get("viewers") == 1, seconds=10)
    for _ in range(24):
        time.sleep(0.5)
        status = daemon.status()
        main = _encodings(status)["main"]
        assert (main["width"], main["height"], main["frameRate"]) == (1280, 720, 30)
        assert main["targetKbps"] > 2200, status
    low = _encodings(status)["low"]
    assert low["width"] < 1280 and 300 < low["targetKbps"] < 600, status

    links[1].set(down=WAY)
    daemon.wait_for_status(lambda status: set(_encodings(status)) == {"main"}, seconds=20)
    time.sleep(3)
    for viewer in (good, bad):
        viewer.stop()
    assert set(good.widths()) == {1280}
    widths = bad.widths()
    assert widths[0] == widths[-1] == 1280 and min(widths) < 1280
    # sizes change seldom, and pictures go on, but for what the fall itself drowned
    assert sum(a != b for a, b in zip(widths, widths[1:])) <= 8, widths
    assert min(good.rates[2:-1]) > 15, good.rates
    assert sum(rate < 8 for rate in bad.rates[2:-1]) <= 2, (bad.rates, daemon.log)
