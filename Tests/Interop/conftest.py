"""The daemon, on test card and tone, for another WebRTC stack to call.

DOORWARD_BINARY names the program (the native release when not set): board/arm-test sets it to the aarch64 one under qemu, with
DOORWARD_SLOWNESS at about how many times slower that is.
"""

import os

import pytest
from daemon import Daemon
from network import enter_private_network

SLOWNESS = float(os.environ.get("DOORWARD_SLOWNESS", "1"))


def pytest_configure():
    enter_private_network()


@pytest.fixture
def daemon():
    daemon = Daemon(
        {
            "video.source": "test_card",
            "video.width": 320,
            "video.height": 180,
            "video.frame_rate": 10,
            "audio.capture": "tone",
            "audio.playback": "none",
            "button.enabled": "false",
        }
    )
    yield daemon
    print(daemon.log)
    daemon.stop()
