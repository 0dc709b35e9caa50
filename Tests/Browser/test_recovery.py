"""What becomes of a call whose path is cut: it waits, looks for another path, calls anew, and in the end says why it gave up."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from network import LAN_ADDRESS
from test_call import pause, watch


class Path:
    """The way of the media: by the house's addresses, while pages and signalling go by loopback."""

    _RULES = (
        ("iptables", "OUTPUT", "-s", LAN_ADDRESS, "-j", "DROP"),
        ("ip6tables", "OUTPUT", "!", "-d", "::1", "-j", "DROP"),
    )

    def __init__(self) -> None:
        self._rules: list[tuple[str, ...]] = []

    def _add(self, tool: str, *rule: str) -> None:
        subprocess.run([tool, "-w", "-I", *rule], check=True)
        self._rules.append((tool, *rule))

    def cut(self) -> None:
        for rule in self._RULES:
            self._add(*rule)

    def break_connections_to(self, port: int) -> None:
        """Resets every TCP connection to the port, as a proxy does that is restarted."""
        self._add("iptables", "INPUT", "-p", "tcp", "--dport", str(port), "-j", "REJECT", "--reject-with", "tcp-reset")

    def mend(self) -> None:
        while self._rules:
            tool, *rule = self._rules.pop()
            subprocess.run([tool, "-w", "-D", *rule], check=True)


@pytest.fixture
def path() -> Iterator[Path]:
    path = Path()
    yield path
    path.mend()


def moves(page: Any) -> None:
    """The picture moves again."""
    before = page.inbound("video").get("framesDecoded", 0)
    deadline = time.monotonic() + 20
    while page.inbound("video").get("framesDecoded", 0) < before + 10:
        assert time.monotonic() < deadline, f"the picture stands: {page.inbound('video')}"
        pause(page, 100)


def has_the_same_connection(page: Any) -> bool:
    return page.evaluate("window.before === doorward.peerConnection")


@pytest.fixture
def watching(browser: Any, daemon: Any, open_page: Any) -> Any:
    page = open_page(browser, daemon.url())
    watch(page)
    page.evaluate("void (window.before = doorward.peerConnection)")
    return page


def test_eight_seconds_without_a_path_are_survived_by_the_same_call(watching, daemon, path):
    call = watching.evaluate("doorward.state.callId")
    path.cut()
    watching.wait_for_phase("interrupted")
    assert watching.text("#status-title") == "The picture stopped"
    pause(watching, 8000)
    path.mend()
    watching.wait_for_phase("live", seconds=15)
    assert has_the_same_connection(watching)
    assert watching.evaluate("doorward.state.callId") == call
    moves(watching)
    assert daemon.status()["calls"] == 1


def test_what_is_done_about_a_lost_path_is_told_in_plain_words(chromium, daemon, open_page, path):
    page = open_page(chromium, daemon.url())
    watch(page)
    path.cut()
    daemon.wait_for_log("silent; waiting for it to come back", seconds=15)
    daemon.wait_for_log("looking for another path", seconds=15)
    assert [peer["recovery"] for peer in daemon.status()["peers"]] == ["restarting"]
    page.wait_for("doorward.state.recovery.state === 'restarting'", seconds=15)
    assert page.text("#status").endswith("The connection to the door is lost. Looking for another way to it.")
    page.wait_for_phase("retrying", seconds=20)
    assert page.text("#status-title") == "Calling the door again"
    path.mend()
    page.wait_for_phase("live", seconds=25)
    moves(page)
    assert page.evaluate("doorward.state.recovery.state") == "steady"
    daemon.wait_for_status(lambda status: status["calls"] == 1 and len(status["peers"]) == 1, seconds=5)


def test_a_path_that_stays_away_for_a_minute_ends_the_call_with_the_reason(chromium, daemon, open_page, path):
    page = open_page(chromium, daemon.url())
    watch(page)
    path.cut()
    page.wait_for_phase("failed", seconds=80)
    assert page.text("#status-text").startswith("The connection to the door broke and did not come back within a minute.")
    assert page.text("#connection") == "Ready", "signalling was never lost"
    daemon.wait_for_status(lambda status: status["calls"] == 0 and not status["peers"], seconds=5)
    path.mend()
    watch(page)
    moves(page)


def test_a_lost_web_socket_comes_back_to_the_same_call_whose_picture_never_stopped(watching, daemon, path):
    call = watching.evaluate("doorward.state.callId")
    path.break_connections_to(daemon.port)
    watching.wait_for("doorward.state.connection.phase === 'waiting'", seconds=20)
    watching.wait_for_phase("interrupted", "retrying")
    moves(watching)
    path.mend()
    watching.wait_for_phase("live", seconds=25)
    assert has_the_same_connection(watching)
    assert watching.evaluate("doorward.state.callId") == call
    moves(watching)
    daemon.wait_for_status(lambda status: status["calls"] == 1 and status["pages"] == 1, seconds=20)
