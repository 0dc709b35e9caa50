"""H.264 that is passed on as it is: a recording of one door is played by another."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import card
import pytest
from daemon import BINARY
from test_whep import PLAYER


@pytest.fixture
def recording(start_daemon, tmp_path) -> Path:
    """Some seconds of the test card, with a key frame every second."""
    door = start_daemon(**{"video.key_frame_interval_seconds": 1, "video.width": 640, "video.height": 360})
    file = tmp_path / "door.h264"
    command = [BINARY, "view", door.url(path="whep"), "--duration", "5", "--save-video", file]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    door.stop()
    return file


@pytest.mark.alone
def test_a_file_is_played_again_and_again_with_no_encode(browser, start_daemon, open_page, recording):
    door = start_daemon(**{"video.source": "file", "video.file": recording})
    door.wait_for_log(r"camera: \S+door\.h264, H\.264 42e01f, 640x360, 30 frames/s, \d+ pictures, because it is configured")
    page = open_page(browser, door.url())
    page.evaluate(PLAYER)
    numbers = [card.read(page, seconds=20).number]
    # longer than the recording, so that it must begin anew
    end = time.monotonic() + 9
    while time.monotonic() < end:
        page.evaluate("new Promise((resolve) => setTimeout(resolve, 30))")
        numbers.append(card.read(page, seconds=5).number)
    steps = [(after - before) % 512 for before, after in zip(numbers, numbers[1:], strict=False)]
    # every picture is later than the one before, but where the file begins anew
    assert sum(step > 256 for step in steps) in (1, 2), numbers
    assert sum(step > 0 for step in steps) > 100, numbers
    video = door.status()["video"]
    assert video["encodeCPUMilliseconds"] == 0
    assert video["encoded"] > 200
    assert video["captureToLastPacket"]["count"] > 200
    assert (video["encodings"][0]["width"], video["encodings"][0]["height"]) == (640, 360)


@pytest.fixture
def main_profile_door(start_daemon, recording):
    # what is constrained baseline is main, too, once its parameter sets say so
    recording.write_bytes(recording.read_bytes().replace(b"\x67\x42\xe0\x1f", b"\x67\x4d\x00\x1f"))
    door = start_daemon(**{"video.source": "file", "video.file": recording})
    door.wait_for_log(r"passed on as H\.264 4d001f")
    return door


def plays(page) -> str:
    """Sees the door's picture move; returns the answer that was agreed on."""
    page.evaluate(PLAYER)
    first = card.read(page, seconds=20)
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 300))")
    assert card.read(page).number != first.number
    return page.evaluate("window.peerConnection.remoteDescription.sdp")


def test_the_profile_of_a_file_is_agreed_on_where_the_browser_offers_it(chromium, main_profile_door, open_page):
    assert "profile-level-id=4d001f" in plays(open_page(chromium, main_profile_door.url()))
    assert "was agreed on" not in main_profile_door.log


def test_a_browser_that_does_not_offer_it_is_named_in_the_log_and_sees_the_picture(firefox, main_profile_door, open_page):
    assert "profile-level-id=42e01f" in plays(open_page(firefox, main_profile_door.url()))
    main_profile_door.wait_for_log(r"warning  peer #1: is sent H\.264 of the profile main, though 42e01f was agreed on")


def test_a_file_that_browsers_refuse_is_said_to_be_one(start_daemon, recording):
    recording.write_bytes(recording.read_bytes().replace(b"\x67\x42\xe0\x1f", b"\x67\x64\x00\x1f"))
    door = start_daemon(**{"video.source": "file", "video.file": recording})
    door.wait_for_log(r"warning  camera: no picture, because \S+door\.h264: is H\.264 of high profile, which browsers refuse")
    assert door.status()["camera"] == "none"
