"""From outside the house, as a person meets it. No port leads into the house: a broker and a relay are all that both sides reach.

    home ── router ──┐
                     ├ street, 203.0.113.1: Mosquitto with TLS, coturn
    away ── router ──┘
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import card
import nat
import paho.mqtt.client as mqtt
import pytest
from authority import install_authority
from chromium import EXECUTABLE, Chromium
from coturn import SECRET, Coturn
from daemon import BINARY, Daemon
from mosquitto import MASTER, PORT, Mosquitto
from nat import Houses
from network import LOOPBACK
from test_call import pause

#: Where the static copy of the page lives, for the browser that is away.
COPY = "http://127.0.0.1:8090/"

#: Who is away. What is encrypted shows any three letters now and then; not so many.
GUEST = "Benedikta"


@dataclass
class Outside:
    houses: Houses
    broker: Mosquitto
    daemon: Daemon
    owner: Owner


@pytest.fixture
def outside(start_daemon: Any, tmp_path: Path) -> Iterator[Outside]:
    houses = Houses(forwards=False)
    try:
        with Coturn(addresses=(nat.SERVER,), secret=SECRET), Mosquitto(nat.SERVER) as broker:
            daemon = start_daemon(
                through=houses.home.enter,
                **{
                    "web.authentication": "household",
                    "video.width": 320,
                    "video.height": 180,
                    "log.level": "debug",
                    "network.stun_servers": f"stun:{nat.SERVER}",
                    "network.turn_servers": f"turn:{nat.SERVER}?transport=udp",
                    "network.turn_secret": SECRET,
                    "meeting.page_url": COPY,
                    **broker.settings(),
                },
            )
            subprocess.run([str(BINARY), "page", "export", str(tmp_path / "copy")], check=True, capture_output=True)
            command = [sys.executable, "-m", "http.server", "--bind", LOOPBACK, "--directory", str(tmp_path / "copy"), "8090"]
            server = subprocess.Popen([*houses.away.enter, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                yield Outside(houses, broker, daemon, Owner(houses, daemon))
            finally:
                server.kill()
                server.wait()
    finally:
        houses.close()


class Owner:
    """Who owns the door, at home, by a program in the house's network."""

    def __init__(self, houses: Houses, daemon: Daemon):
        self._enter, self._daemon = houses.home.enter, daemon
        self._cookie = ""
        self.ask("POST", "api/pair", {"code": daemon.pairing_code(), "name": "Anna"})

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the door answers to the owner's request, which has to go well."""
        request = json.dumps([method, self._daemon.url(LOOPBACK, path), self._cookie, body])
        answer = subprocess.run([*self._enter, sys.executable, "-c", _ASK, request], capture_output=True, text=True, timeout=20)
        assert answer.returncode == 0, f"{method} {path}: {answer.stderr}\n{self._daemon.log}"
        cookie, _, text = answer.stdout.partition("\n")
        self._cookie = cookie or self._cookie
        return json.loads(text) if text.strip() else None

    def invite(self, name: str) -> str:
        """An invitation's link for somebody who is away."""
        return self.ask("POST", "api/invitations", {"name": name, "role": "member"})["outsideLink"]


_ASK = """
import json, sys, urllib.request
method, url, cookie, body = json.loads(sys.argv[1])
headers = {"Content-Type": "application/json"} | ({"Cookie": cookie} if cookie else {})
# a browser says by itself from which page a request comes
headers |= {"Origin": url.split("/api")[0], "Sec-Fetch-Site": "same-origin"}
request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers, method=method)
with urllib.request.urlopen(request, timeout=10) as answer:
    print((answer.headers["Set-Cookie"] or "").partition(";")[0])
    print(answer.read().decode())
"""


@pytest.fixture
def away(playwright: Any, outside: Outside, tmp_path: Path) -> Iterator[Chromium]:
    """A browser in another house, which trusts the broker's certificate."""
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\nexec {shlex.join(outside.houses.away.enter)} {EXECUTABLE} \"$@\"\n")
    program.chmod(0o755)
    install_authority(outside.broker.authority, tmp_path / ".pki/nssdb")
    browser = Chromium(playwright, program=program, environment={**os.environ, "HOME": str(tmp_path)})
    yield browser
    browser.stop()


@pytest.fixture
def overheard(outside: Outside) -> Iterator[list[tuple[str, bytes]]]:
    """What whoever runs the broker reads of all that passes it: topics and payloads."""
    messages: list[tuple[str, bytes]] = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(*MASTER)
    client.tls_set(str(outside.broker.authority))
    client.on_message = lambda client, data, message: messages.append((message.topic, message.payload))
    client.on_connect = lambda client, *_: client.subscribe("#")
    client.connect(nat.SERVER, PORT)
    client.loop_start()
    deadline = time.monotonic() + 10
    # the door's presence is retained
    while not messages:
        assert time.monotonic() < deadline, f"the door is not at the broker\n{outside.broker.log}"
        time.sleep(0.02)
    yield messages
    client.loop_stop()


def test_a_guest_of_the_broker_calls_the_door_in_under_three_seconds(outside, away, overheard, open_page):
    link = outside.owner.invite(GUEST)
    assert link.startswith(COPY)
    page = open_page(away, link, ready=False)
    page.wait_for("document.querySelector('#sign-in').checkVisibility()")
    page.click("#sign-in-submit")
    page.wait_until_ready()
    assert page.evaluate("location.hash") == ""

    begun = time.monotonic()
    page.click("#watch")
    page.wait_for_phase("live", seconds=15)
    took = time.monotonic() - begun
    assert took < 3, f"{took:.2f} s from the click to the picture"
    first = card.read(page, seconds=10)
    page.click("#talk")
    page.wait_for("window.doorward.state.microphone.phase === 'on'")

    # the broker dies, and comes back: the media does not go by it
    page.evaluate("void (window.before = doorward.peerConnection)")
    outside.broker.stop()
    pause(page, 1000)
    assert card.read(page, seconds=10).number > first.number + 10
    outside.broker.start()
    page.wait_until_ready()
    page.wait_for_phase("live")
    assert page.evaluate("before === doorward.peerConnection"), "the same call, by the same path"

    directions = {topic.split("/")[2] for topic, _ in overheard}
    assert directions == {"in", "out", "state"}
    for secret in (b"fingerprint", b"candidate", b"call-", GUEST.encode(), b"v=0\r\n"):
        assert not any(secret in payload for _, payload in overheard)

    # sent away, he is gone at once, and does not come in again
    (guest,) = (person for person in outside.owner.ask("GET", "api/people")["people"] if person["name"] == GUEST)
    outside.owner.ask("DELETE", f"api/people/{guest['id']}")
    page.wait_for("doorward.state.status.phase !== 'live'", seconds=15)


def test_the_next_time_the_page_is_opened_it_rings_there(outside, away, open_page):
    page = open_page(away, outside.owner.invite(GUEST), ready=False)
    page.wait_for("document.querySelector('#sign-in').checkVisibility()")
    page.click("#sign-in-submit")
    page.wait_until_ready()
    page.goto(COPY)
    page.wait_until_ready()
    outside.daemon.ring()
    page.wait_for("document.querySelector('#ring').open")
    page.click("#accept")
    page.wait_for_phase("live", seconds=15)
    card.read(page, seconds=10)
    (peer,) = outside.owner.ask("GET", "api/status")["peers"]
    assert nat.SERVER in peer["path"], peer
