"""HTTPS by default, as a person in the house meets it: a browser that does not trust the door yet, and one that does."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import card
import pytest
from authority import install_authority
from chromium import FLAGS, Chromium
from firefox import Firefox
from network import LAN_ADDRESS

HTTPS = {"web.https": "true", "web.https_port": 0}


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(**HTTPS)


@pytest.fixture(params=["chromium", "firefox"])
def trusting(request, playwright, daemon, tmp_path):
    """A browser of somebody who has installed the door's authority, from the file that the page offers, and nothing else."""
    file = tmp_path / "authority.crt"
    file.write_bytes(urllib.request.urlopen(daemon.url(LAN_ADDRESS, "certificate/authority.crt"), timeout=10).read())
    if request.param == "firefox":
        browser = Firefox(authority=file)
    else:
        install_authority(file, tmp_path / ".pki/nssdb")
        browser = Chromium(playwright, environment={**os.environ, "HOME": str(tmp_path)})
    yield browser
    browser.stop()


def test_who_trusts_the_door_lands_on_its_encrypted_page_and_may_talk(trusting, daemon, open_page):
    # by the address that people know, without the "s"
    page = open_page(trusting, daemon.url(LAN_ADDRESS), ready=False)
    page.wait_for_address(f"https://{LAN_ADDRESS}:{daemon.secure_port}/")
    page.wait_until_ready()
    assert page.evaluate("window.isSecureContext")
    page.click("#watch")
    page.wait_for_phase("live", seconds=20)
    card.read(page, seconds=10)
    page.click("#talk")
    page.wait_for("window.doorward.state.microphone.phase === 'on'")
    daemon.wait_for_status(lambda status: any(peer["packetsReceived"] > 50 for peer in status["peers"]), seconds=10)


def test_who_does_not_is_told_what_to_do_on_every_screen(chromium, daemon, open_page, tmp_path):
    pictures = Path(os.environ.get("DOORWARD_SCREENSHOTS", tmp_path))
    pictures.mkdir(parents=True, exist_ok=True)
    for width, height in ((360, 740), (768, 1024), (1440, 900)):
        for dark in (False, True):
            page = open_page(chromium, daemon.url(LAN_ADDRESS), ready=False, width=width, height=height, dark=dark)
            page.wait_for("document.querySelector('#fingerprint').textContent.length === 95")
            assert page.evaluate("location.pathname") == "/certificate"
            # still here, for this browser trusts nobody that the system does not
            page.wait_for("document.querySelector('#status').textContent !== ''")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
            assert page.evaluate(
                "[...document.querySelectorAll('.panel *')].every((node) => "
                "node.getBoundingClientRect().right <= node.closest('.panel').getBoundingClientRect().right)"
            )
            assert page.evaluate("document.querySelectorAll('details[open]').length") == 1
            assert page.evaluate("[...document.querySelectorAll('[data-text]')].every((node) => node.textContent)")
            assert page.is_visible("#code") == (width > 640), "a phone has no use for a code of its own page"
            if width > 640:
                page.wait_for("document.querySelector('#code img').naturalWidth > 0")
            page.screenshot(pictures / f"certificate-{width}-{'dark' if dark else 'light'}.png")


def test_the_warning_can_be_clicked_away(playwright, daemon, open_page):
    # what "proceed to …" does: the page works, and who wants to talk may
    browser = Chromium(playwright, flags=[*FLAGS, "--ignore-certificate-errors"])
    try:
        page = open_page(browser, f"https://{LAN_ADDRESS}:{daemon.secure_port}/")
        assert page.evaluate("window.isSecureContext && !!navigator.mediaDevices")
    finally:
        browser.stop()
