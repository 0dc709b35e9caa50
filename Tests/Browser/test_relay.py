"""Calls that go by a TURN server: coturn, over UDP, TCP and TLS, with passwords that last and such that do not."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time

import pytest

import card
import nat
from chromium import EXECUTABLE, FLAGS, Chromium
from coturn import PASSWORD, SECRET, USERNAME, Coturn, url
from nat import Houses
from test_call import pause, watch

SMALL = {"log.level": "debug", "video.width": 320, "video.height": 180}


def settings(*transports: str, relay_only: bool = True, **more: object) -> dict[str, object]:
    return {
        **SMALL,
        "network.turn_servers": ",".join(map(url, transports)),
        "network.ice_transport_policy": "relay" if relay_only else "all",
        **more,
    }


LASTING = {"network.turn_username": USERNAME, "network.turn_credential": PASSWORD}


@pytest.fixture(scope="module")
def relayed_chromium(playwright):
    """It takes the certificate that coturn has signed for itself."""
    browser = Chromium(playwright, flags=[*FLAGS, "--ignore-certificate-errors"])
    yield browser
    browser.stop()


def local_candidate(page):
    return page.evaluate(
        """(async () => {
            const reports = await doorward.peerConnection.getStats();
            const transport = [...reports.values()].find(({ type }) => type === "transport");
            return reports.get(reports.get(transport.selectedCandidatePairId).localCandidateId);
        })()"""
    )


def moves(page):
    before = card.read(page, seconds=10)
    pause(page, 1000)
    after = card.read(page, seconds=10)
    assert after.number > before.number + 10
    return after


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_call_by_the_relay_alone(transport, relayed_chromium, start_daemon, open_page):
    with Coturn() as coturn:
        daemon = start_daemon(**settings(transport, **LASTING, **{"network.turn_authorities": coturn.certificate}))
        page = open_page(relayed_chromium, daemon.url())
        watch(page)
        moves(page)
        candidate = local_candidate(page)
        assert (candidate["candidateType"], candidate["relayProtocol"]) == ("relay", transport)
        (peer,) = daemon.status()["peers"]
        assert peer["path"].startswith("relayed "), peer
        assert daemon.status()["network"]["serverErrors"] == []
        # the door and the page have each their own
        assert len(re.findall("ALLOCATE processed, success", coturn.log)) >= 2
        page.click("#hang-up")
        # nothing is left to the server's patience
        coturn.wait_for_log(r"(?s)(REFRESH processed, success|closed).*(REFRESH processed, success|closed)")


def test_credentials_expire_in_mid_call_and_the_call_goes_on(relayed_chromium, start_daemon, open_page):
    lifetime = 8
    options = ["--stale-nonce=3", "--max-allocate-lifetime=6"]
    with Coturn(*options, secret=SECRET) as coturn:
        more = {"network.turn_secret": SECRET, "network.turn_credential_lifetime_seconds": lifetime}
        daemon = start_daemon(**settings("udp", **more))
        page = open_page(relayed_chromium, daemon.url())
        watch(page)
        page.evaluate(
            """(() => {
                window.before = doorward.peerConnection;
                window.states = [];
                before.addEventListener("connectionstatechange", () => states.push(before.connectionState));
                return true;
            })()"""
        )
        begun = time.time()
        first = min(expiries[0] for expiries in coturn.expiries.values())
        frames, gaps = -1, 0
        while time.time() < max(begun, first) + lifetime:
            pause(page, 500)
            decoded = page.inbound("video")["framesDecoded"]
            gaps += decoded == frames
            frames = decoded
        assert gaps <= 2, f"half a second without a picture, {gaps} times"
        assert page.evaluate("before === doorward.peerConnection")
        assert page.evaluate("states") == []
        assert page.evaluate("doorward.state.status.phase") == "live"
        expiries = coturn.expiries
        assert set(expiries) == {"door", "viewer"}
        for user, times in expiries.items():
            assert len(times) >= 2, f"{user} was given nothing new: {times}"
            assert times[-1] > first + lifetime / 2, f"{user} goes on with what has expired: {times}"
        assert "error 438: Stale nonce" in coturn.log
        (peer,) = daemon.status()["peers"]
        assert peer["path"].startswith("relayed ")


WRONG = {"network.turn_username": USERNAME, "network.turn_credential": "open barley"}


def test_the_door_tells_what_a_server_says_and_the_call_goes_another_way(relayed_chromium, start_daemon, open_page):
    with Coturn():
        daemon = start_daemon(**settings("udp", relay_only=False, **WRONG))
        page = open_page(relayed_chromium, daemon.url())
        watch(page)
        assert local_candidate(page)["candidateType"] != "relay"
        daemon.wait_for_log(r"warning.*turn:10\.77\.0\.1:3478\?transport=udp.*: 401 Unauthorized")


def test_the_browser_tells_what_a_server_says(relayed_chromium, start_daemon, open_page):
    with Coturn():
        # with another way Chromium may be connected, and ask the server no more, before that has answered
        daemon = start_daemon(**settings("udp", relay_only=True, **WRONG))
        page = open_page(relayed_chromium, daemon.url())
        page.click("#watch")
        deadline = time.monotonic() + 20
        while not any("turn:10.77.0.1" in line and "401" in line for line in page.console):
            assert time.monotonic() < deadline, page.console
            pause(page, 100)


def test_two_houses_with_nothing_but_a_relay_between_them(playwright, start_daemon, open_page, tmp_path):
    houses = Houses()
    try:
        with Coturn(addresses=(nat.SERVER,), secret=SECRET) as coturn:
            daemon = start_daemon(
                through=houses.home.enter,
                **SMALL,
                **{
                    "web.port": nat.WEB_PORT,
                    "network.stun_servers": f"stun:{nat.SERVER}",
                    "network.turn_servers": f"turn:{nat.SERVER}?transport=udp",
                    "network.turn_secret": SECRET,
                },
            )
            program = tmp_path / "chromium"
            program.write_text(f"#!/bin/sh\nexec {shlex.join(houses.away.enter)} {EXECUTABLE} \"$@\"\n")
            program.chmod(0o755)
            browser = Chromium(playwright, program=program)
            try:
                page = open_page(browser, f"http://{nat.HOME}:{nat.WEB_PORT}/")
                watch(page)
                moves(page)
                (peer,) = status(houses)["peers"]
                assert nat.SERVER in peer["path"], peer
                assert {"door", "viewer"} == set(coturn.expiries)
                assert daemon.process.poll() is None
            finally:
                browser.stop()
    finally:
        houses.close()


def status(houses):
    """The daemon's status, as asked for in the other house."""
    url = f"http://{nat.HOME}:{nat.WEB_PORT}/api/status"
    program = f"import urllib.request; print(urllib.request.urlopen('{url}', timeout=5).read().decode())"
    answer = subprocess.run([*houses.away.enter, sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)
