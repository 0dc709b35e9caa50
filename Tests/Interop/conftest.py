"""The daemon, on test card and tone, for another WebRTC stack to call.

DOORWARD_BINARY names the program (the native release when not set): board/arm-test sets it to the aarch64 one under qemu, with
DOORWARD_SLOWNESS at about how many times slower that is.
"""

import contextlib
import os

import pytest
from daemon import Daemon
from network import enter_private_network_for
from page import Page

SLOWNESS = float(os.environ.get("DOORWARD_SLOWNESS", "1"))

SETTINGS = {
    "video.source": "test_card",
    "video.width": 320,
    "video.height": 180,
    "video.frame_rate": 10,
    "audio.capture": "tone",
    "audio.playback": "none",
    "button.enabled": "false",
    # a page that closes its socket comes back by no test but those that say so
    "calls.resume_ms": 1000,
}


# after the plugins that connect with one another
@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    enter_private_network_for(config)


@pytest.fixture
def start_daemon():
    """`start_daemon({"key.path": value}, …)`: a daemon with settings of the test's own."""
    daemons = []

    def start(settings=None, **options):
        daemons.append(Daemon({**SETTINGS, **(settings or {})}, **options))
        return daemons[-1]

    yield start
    for daemon in daemons:
        print(daemon.log)
        daemon.stop()


@pytest.fixture
def daemon(start_daemon):
    return start_daemon()


@pytest.fixture
def open_page(daemon):
    """`open_page()`: a page of the daemon's that says exactly what it is told to."""
    with contextlib.ExitStack() as stack:

        def open_page():
            page = Page(daemon)
            stack.callback(page.close)
            return page

        yield open_page
