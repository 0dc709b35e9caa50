"""One guest, one daemon in it on its defaults, one browser outside, for all of the lab's tests."""

import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

import guest as lab
import tones

ORIGIN = f"http://{lab.ADDRESS}:8080"
VOICE_FREQUENCY = 1_000


@pytest.fixture(scope="session")
def guest():
    guest = lab.Guest()
    yield guest
    guest.close()


class Daemon:
    """The release daemon, running in the guest."""

    def __init__(self, guest):
        self._guest = guest
        # A camera at 640x360; all else is what the daemon finds on the board by itself, but for the chime, which has no default.
        self.process = guest.start(
            f"{lab.REPOSITORY}/.build/release/doorward run --set video.width=640 --set video.height=360 --set chime.line=CHIME",
            log="daemon.log",
        )
        give_up = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(ORIGIN, timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                assert self.is_running, f"the daemon ended:\n{self.log}"
                assert time.monotonic() < give_up, f"no page at {ORIGIN}:\n{self.log}"
                time.sleep(0.2)

    @property
    def log(self):
        return (self._guest.share / "daemon.log").read_text(errors="replace")

    @property
    def is_running(self):
        return self._guest.is_running(self.process)


@pytest.fixture(scope="session")
def daemon(guest):
    daemon = Daemon(guest)
    yield daemon
    print(daemon.log)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    voice = tmp_path_factory.mktemp("voice") / "voice.wav"
    # In bursts: a browser's noise suppression takes a steady tone for noise.
    tones.write_wave(voice, VOICE_FREQUENCY, 6, on=0.3, off=0.3)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={voice}",
                "--autoplay-policy=no-user-gesture-required",
                # The microphone wants a secure context; a tap device's address is none.
                f"--unsafely-treat-insecure-origin-as-secure={ORIGIN}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser, daemon):
    """The daemon's page, connected to it."""
    context = browser.new_context(permissions=["microphone"])
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(ORIGIN)
    page.wait_for_function("window.doorward?.state.connection.phase === 'open'")
    yield page
    context.close()


@pytest.fixture
def live_page(page):
    """The page with the door's picture on it."""
    page.click("#watch")
    page.wait_for_function("window.doorward.state.status.phase === 'live'")
    return page
