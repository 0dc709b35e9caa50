"""One guest, one daemon in it on its defaults, one browser outside, for all of the lab's tests."""

import time
import urllib.error
import urllib.request

import guest as lab
import pytest
import tones
from chromium import FLAGS, Chromium
from network import enter_private_network
from playwright.sync_api import sync_playwright

ORIGIN = f"http://{lab.ADDRESS}:8080"
VOICE_FREQUENCY = 1_000


def pytest_configure():
    enter_private_network()
    lab.make_tap()


@pytest.fixture(scope="session")
def guest():
    guest = lab.Guest()
    yield guest
    guest.close()


class Daemon:
    """The release daemon, running in the guest."""

    def __init__(self, guest):
        self._guest = guest
        # A camera at 640x360; all else is what the daemon finds on the board by itself, but for the lines that have no default.
        self.process = guest.start(
            f"{lab.REPOSITORY}/.build/release/doorward run --set web.https=false --set web.authentication=none"
            " --set network.stun_fallback= --set video.width=640 --set video.height=360 --set chime.line=CHIME"
            " --set lock.line=LOCK --set lock.pulse_ms=1000 --set light.line=LIGHT",
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


class Button:
    """The other side of the GPIO line BUTTON, which a press connects to ground."""

    def __init__(self, guest):
        self._guest = guest
        self._pull = f"{guest.environment['LAB_GPIOSYS']}/sim_gpio3/pull"

    def press(self):
        self._guest.write(self._pull, "pull-down")

    def release(self):
        self._guest.write(self._pull, "pull-up")


@pytest.fixture
def button(guest, daemon):
    button = Button(guest)
    yield button
    button.release()


class Output:
    """The other side of a GPIO line that the daemon drives."""

    def __init__(self, guest, number):
        self._guest = guest
        self._value = f"{guest.environment['LAB_GPIOSYS']}/sim_gpio{number}/value"

    @property
    def is_active(self):
        return self._guest.read(self._value).strip() == "1"

    def wait_until(self, *, active):
        give_up = time.monotonic() + 5
        while self.is_active != active:
            assert time.monotonic() < give_up, f"{self._value} is not {'active' if active else 'inactive'}"
            time.sleep(0.02)


@pytest.fixture
def chime(guest, daemon):
    return Output(guest, 4)


@pytest.fixture
def lock(guest, daemon):
    return Output(guest, 5)


@pytest.fixture
def light(guest, daemon):
    return Output(guest, 6)


class LabPage:
    """A page of Tests/Browser's Chromium that can also let time pass."""

    def __init__(self, page):
        self._page = page

    def __getattr__(self, name):
        return getattr(self._page, name)

    def pause(self, seconds):
        self._page.evaluate(f"new Promise((resolve) => setTimeout(resolve, {seconds * 1000}))")


@pytest.fixture(scope="session")
def chromium(guest, tmp_path_factory):
    # After the guest, whose coming is a change of the network.
    voice = tmp_path_factory.mktemp("voice") / "voice.wav"
    # In bursts: a browser's noise suppression takes a steady tone for noise.
    tones.write_wave(voice, VOICE_FREQUENCY, 6, on=0.3, off=0.3)
    # The microphone wants a secure context; a page from a tap device's address is none.
    flags = [*FLAGS, f"--unsafely-treat-insecure-origin-as-secure={ORIGIN}"]
    with sync_playwright() as playwright:
        browser = Chromium(playwright, microphone=voice, flags=flags)
        yield browser
        browser.stop()


@pytest.fixture
def page(daemon, chromium):
    """The daemon's page, connected to it."""
    page = LabPage(chromium.open(ORIGIN))
    page.wait_until_ready()
    yield page
    page.close()


@pytest.fixture
def live_page(page):
    """The page with the door's picture on it."""
    page.click("#watch")
    page.wait_for_phase("live")
    return page
