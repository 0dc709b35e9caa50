"""The page outside the house: the same door, by a real broker, and what it does when that or somebody behind it is not honest."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from browser import Browser, Page
from daemon import BINARY
from fake_door import FakeDoor, Viewer
from fake_meeting import FakeMeeting
from mosquitto import MASTER, Mosquitto
from network import LOOPBACK
from test_household import invite, pair, wait_until_signed_out
from test_page import outlast_typing_guard

IS_OUTSIDE = "doorward.state.connection.phase === 'open' && doorward.state.connection.way === 'outside'"
IS_HOME = "doorward.state.connection.phase === 'open' && doorward.state.connection.way === 'home'"
IS_ENROLLED = "navigator.serviceWorker.getRegistration().then((registration) => Boolean(registration?.active))"
RING_IS_OPEN = "document.querySelector('#ring').open"


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with Mosquitto(LOOPBACK, tls=False) as broker:
        yield broker


@pytest.fixture
def make_meeting(broker: Mosquitto) -> Iterator[Any]:
    """`make_meeting(door)`: the door's connection to the broker."""
    meetings: list[FakeMeeting] = []

    def make(door: FakeDoor, **options: Any) -> FakeMeeting:
        meetings.append(FakeMeeting(door, broker, **options))
        return meetings[-1]

    yield make
    for meeting in meetings:
        meeting.stop()


@pytest.fixture
def enrolled(make_door: Any, make_meeting: Any, open_page: Any) -> Any:
    """`enrolled(browser)`: a door, its meeting and a page that was at home once, and still is."""

    def enrol(browser: Browser, *, url: str | None = None, **options: Any) -> tuple[FakeDoor, FakeMeeting, Page]:
        door = make_door(**options)
        meeting = make_meeting(door)
        meeting.enrol(url)
        page = open_page(browser, door.url())
        door.next_viewer()
        page.wait_for(IS_ENROLLED)
        return door, meeting, page

    return enrol


@pytest.fixture
def outside(enrolled: Any) -> Any:
    """`outside(browser)`: the same, the page out of the house; and the page as the door sees it."""

    def go(browser: Browser, **options: Any) -> tuple[FakeDoor, FakeMeeting, Page, Viewer]:
        door, meeting, page = enrolled(browser, **options)
        leave(door, page)
        return door, meeting, page, door.next_viewer()

    return go


def leave(door: FakeDoor, page: Page) -> None:
    """The page's way out of the house: the door's own address is out of reach, and the page finds the other way."""
    door.stop_listening()
    page.wait_for(IS_OUTSIDE)


def test_from_outside_it_is_the_same_door(browser, outside):
    door, meeting, page, viewer = outside(browser, has_peer=True)
    assert meeting.hellos.get(timeout=5) == {"version": 1}
    assert page.text("#connection") == "From outside"
    assert page.text("#door-name") == "Front door"
    assert not page.is_visible("#household-panel") and not page.is_visible("#name")
    viewer.expect("presence")
    door.ring()
    page.wait_for(RING_IS_OPEN)
    outlast_typing_guard(page)
    page.click("#accept")
    page.wait_for_phase("live", seconds=20)


def test_it_opens_from_its_own_files_where_the_door_is_out_of_reach(browser, enrolled):
    door, meeting, page = enrolled(browser)
    door.stop_listening()
    page.goto(door.url())
    page.wait_for(f"window.doorward && {IS_OUTSIDE}")
    assert door.next_viewer().expect("presence")
    # nothing but the page's files is kept
    kept = page.evaluate("caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name).then((cache) => cache.keys()))))")
    assert len(kept) == 1 and len(kept[0]) > 40
    for path in ("api/me", "certificate", "metrics"):
        assert page.evaluate(f"fetch('{path}').then(() => 'answered', () => 'out of reach')") == "out of reach"


def test_it_stays_outside_for_the_call_and_then_moves_home(chromium, outside):
    door, meeting, page, viewer = outside(chromium, has_peer=True)
    page.click("#watch")
    page.wait_for_phase("live", seconds=20)
    door.listen()
    # what would have moved it, had it gone on trying
    page.evaluate("new Promise((resolve) => { dispatchEvent(new Event('online')); setTimeout(resolve, 500, true); })")
    assert page.evaluate(IS_OUTSIDE) and page.evaluate("doorward.state.status.phase") == "live"
    page.click("#hang-up")
    page.wait_for(IS_HOME)
    assert page.text("#connection") == "Ready"
    assert page.is_visible("#household-panel")
    page.wait_for("doorward.state.participants.length === 2")
    assert meeting.sessions == {}, "it left the meeting"


def flipped(frame: bytes) -> list[bytes]:
    return [frame[:-1] + bytes([frame[-1] ^ 1])]


def test_what_was_tampered_with_is_told_and_not_taken(browser, outside):
    door, meeting, page, viewer = outside(browser)
    page.wait_for("doorward.state.participants.length === 2")
    (session,) = meeting.sessions.values()
    session.next_frame = flipped
    door.ring()
    assert door.next_viewer()
    page.wait_for(IS_OUTSIDE)
    assert "changed messages" in page.text("#tampered")
    assert not page.evaluate(RING_IS_OPEN)
    assert session.mailbox not in meeting.sessions
    page.click("#dismiss-tampered")
    page.wait_for("!document.querySelector('#tampered').checkVisibility()")


def test_what_was_kept_back_is_noticed_with_the_next_message(chromium, outside):
    door, meeting, page, viewer = outside(chromium)
    page.wait_for("doorward.state.participants.length === 2")
    (session,) = meeting.sessions.values()
    session.next_frame = lambda frame: []
    viewer.send(type="door", camera="none")
    door.ring()
    assert door.next_viewer()
    page.wait_for(IS_OUTSIDE)
    assert any("incomplete" in line for line in page.console)
    assert not page.is_visible("#tampered"), "what got lost need not have been taken"


def test_what_comes_twice_is_taken_once(chromium, outside):
    door, meeting, page, viewer = outside(chromium)
    page.wait_for("doorward.state.participants.length === 2")
    (session,) = meeting.sessions.values()
    session.next_frame = lambda frame: [frame, frame]
    viewer.send(type="door", camera="none")
    page.wait_for("doorward.state.door.camera === 'none'")
    door.ring()
    page.wait_for(RING_IS_OPEN)
    assert list(meeting.sessions.values()) == [session]


def test_it_pings_a_quiet_door_and_leaves_one_that_is_silent(chromium, outside):
    door, meeting, page, viewer = outside(chromium)
    (session,) = meeting.sessions.values()
    session.pings.get(timeout=5)
    time_passes = "void (Date.now = ((now) => () => now() + {})(Date.now))"
    page.evaluate(time_passes.format(16_000))
    session.pings.get(timeout=5)
    session.is_silent = True
    page.evaluate(time_passes.format(16_000))
    session.pings.get(timeout=5)
    page.evaluate(time_passes.format(26_000))
    assert door.next_viewer().expect("presence")
    page.wait_for(IS_OUTSIDE)
    assert session.mailbox not in meeting.sessions
    assert any("nothing was heard" in line for line in page.console)


def test_who_does_not_have_the_doors_key_is_not_the_door(browser, outside, make_meeting):
    door, meeting, page, viewer = outside(browser)
    meeting.stop()
    impostor = make_meeting(door, is_impostor_of=meeting)
    impostor.hellos.get(timeout=10)
    page.wait_for("document.querySelector('#status-text').textContent.includes('is not your door')")
    assert page.evaluate("doorward.state.connection.phase") == "waiting"


def test_it_comes_back_after_the_broker_was_away(browser, outside, broker):
    door, meeting, page, viewer = outside(browser)
    broker.stop()
    page.wait_for("document.querySelector('#status-text').textContent.includes('meeting point')")
    assert page.text("#connection") == "Reconnecting"
    broker.start()
    page.wait_for(IS_OUTSIDE, seconds=20)
    assert page.text("#status") == ""


def test_it_waits_for_a_door_that_is_away_and_is_there_when_that_is(browser, enrolled):
    door, meeting, page = enrolled(browser)
    meeting.leave()
    door.stop_listening()
    page.wait_for("document.querySelector('#status-text').textContent === 'The door is not connected to the meeting point. Waiting for it.'")
    meeting.arrive()
    page.wait_for(IS_OUTSIDE)
    # it was away, and knows nobody any more
    meeting.leave()
    meeting.arrive()
    door.next_viewer()
    assert door.next_viewer().expect("presence")


def test_who_was_removed_is_told_so(chromium, enrolled):
    door, meeting, page = enrolled(chromium)
    meeting.known.clear()
    door.stop_listening()
    page.wait_for("document.querySelector('#status-text').textContent.startsWith('The door does not know this device any more')")
    # a refusal is not asked for again at once
    assert page.evaluate("doorward.state.connection.retryAt - Date.now()") > 30_000


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[str]:
    """The address of a copy of the page on a web host that knows nothing of doors."""
    folder = tmp_path / "copy"
    for _ in range(2):
        subprocess.run([BINARY, "page", "export", folder], check=True, capture_output=True, timeout=20)
    with http.server.ThreadingHTTPServer((LOOPBACK, 0), functools.partial(QuietHandler, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{LOOPBACK}:{server.server_port}/copy/"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def test_a_copy_on_another_host_joins_by_an_invitation(browser, make_door, make_meeting, open_page, copy):
    door = make_door()
    meeting = make_meeting(door)
    page = open_page(browser, copy, ready=False)
    page.wait_for("document.querySelector('#sign-in-title').textContent === 'No door yet'")
    assert not page.is_visible("#sign-in-submit")
    # opened in the same tab: what is behind the # changes, no more
    page.goto(meeting.link(copy, "sesame"))
    page.wait_through_reload("document.querySelector('#sign-in-title').textContent === 'You are invited'")
    page.click("#sign-in-submit")
    page.wait_for(f"window.doorward && {IS_OUTSIDE}")
    assert meeting.hellos.get(timeout=5)["invite"] == "sesame"
    assert page.evaluate("location.href") == copy
    assert [line for line in page.console if line.startswith(("error", "uncaught"))] == []
    page.wait_for(IS_ENROLLED)
    page.goto(copy)
    page.wait_for(f"window.doorward && {IS_OUTSIDE}")

    meeting.invitations.clear()
    thief = open_page(browser, f"{meeting.link(copy, 'another').replace('another', 'sesame')}", ready=False)
    thief.wait_for("document.querySelector('#sign-in-title').textContent === 'You are invited'")
    thief.click("#sign-in-submit")
    thief.wait_for("document.querySelector('#sign-in-error').textContent.includes('has been used')")


def test_an_owner_has_a_link_for_whoever_is_not_at_home(chromium, make_door, open_page):
    door = make_door()
    door.me = {"role": "owner", "name": "Anna", "id": "anna", "mayManage": True}
    door.answers["GET", "/api/people"] = lambda _: {"people": [], "programs": [], "invitations": []}
    issued = {"link": "https://door/#invite=one", "outsideLink": "https://host/door/#invite=one&meeting=two"}
    door.answers["POST", "/api/invitations"] = lambda _: issued
    page = open_page(chromium, door.url())

    def invite() -> None:
        page.evaluate("void (document.querySelector('#household-fold').open = true)")
        page.evaluate("void (document.querySelector('#invite-name').value = 'Ben')")
        page.evaluate("document.querySelector('#invite-form').requestSubmit()")

    invite()
    shown = "document.querySelector('#issued-secret').value"
    page.wait_for(f"{shown} === '{issued['link']}'")
    page.click("#issued-other")
    assert page.evaluate(shown) == issued["outsideLink"]
    page.click("#issued-other")
    assert page.evaluate(shown) == issued["link"]
    # a door without a copy of its page elsewhere
    del issued["outsideLink"]
    invite()
    page.wait_for("!document.querySelector('#issued-other').checkVisibility()")


@contextlib.contextmanager
def out_of_reach(port: int) -> Iterator[None]:
    """The daemon's page and WebSocket are refused to everybody, as from another network."""
    rules = f"table inet away {{\n chain input {{\n type filter hook input priority 0;\n tcp dport {port} reject with tcp reset\n }}\n}}"
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "away"], check=True)


def test_a_household_has_its_door_outside(chromium, firefox, start_daemon, open_page, broker, copy):
    # of all topics only the broker's master may use others than doorward/…
    account = {"meeting.username": MASTER[0], "meeting.password": MASTER[1], "meeting.page_username": MASTER[0], "meeting.page_password": MASTER[1]}
    daemon = start_daemon(
        **{**broker.settings(), **account, "web.authentication": "household", "meeting.page_url": copy, "meeting.topic": "houses/ours"}
    )
    owner = open_page(chromium, daemon.url(), ready=False)
    pair(owner, daemon, "Anna")
    owner.wait_for(IS_ENROLLED)
    invite(owner, "Ben")
    owner.click("#issued-other")
    ben = open_page(firefox, owner.evaluate("document.querySelector('#issued-secret').value"), ready=False)
    ben.wait_for("document.querySelector('#sign-in-title').textContent === 'You are invited'")
    ben.click("#sign-in-submit")
    ben.wait_for(f"window.doorward && {IS_OUTSIDE}")
    ben.click("#watch")
    ben.wait_for_phase("live", seconds=20)
    ben.click("#hang-up")

    with out_of_reach(daemon.port):
        owner.goto(daemon.url())
        owner.wait_for(f"window.doorward && {IS_OUTSIDE}")
        daemon.ring()
        for page in (owner, ben):
            page.wait_for(RING_IS_OPEN)
        outlast_typing_guard(owner)
        owner.click("#decline")
        outlast_typing_guard(ben)
        ben.click("#decline")
    owner.wait_for(IS_HOME, seconds=20)
    # only now the door has said who she is
    owner.wait_for("document.querySelector('#household-owner').checkVisibility()")

    owner.evaluate("void (document.querySelector('#household-fold').open = true)")
    remove = "document.querySelector('[aria-label^=\"Remove Ben\"]')"
    owner.wait_for(remove)
    owner.evaluate(f"{remove}.click()")
    owner.evaluate(f"{remove}.click()")
    ben.wait_for("doorward.state.connection.problem === 'unknownKey'")
    owner.evaluate("document.querySelector('#sign-out').click()")
    wait_until_signed_out(owner)
    kept = """new Promise((resolve) => {
        const opening = indexedDB.open("doorward");
        opening.onsuccess = () => {
            const records = opening.result.transaction("meetings").objectStore("meetings").getAll();
            records.onsuccess = () => resolve(records.result);
        };
    })"""
    assert owner.evaluate(kept) == [], "who signs out takes the keys along"


class Meddler:
    """Between a page and the broker: what the broker sends becomes what `change` makes of it."""

    def __init__(self, door: FakeDoor, broker: Mosquitto, change: Callable[[bytes], list[bytes]]):
        self.change = change
        self._door = door
        self._broker = broker
        self._server = door.run(self._listen())
        self.url = f"ws://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}/mqtt"

    def stop(self) -> None:
        self._door.run(self._close())

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _listen(self) -> Any:
        return await serve(self._relay, LOOPBACK, 0, subprotocols=["mqtt"])

    async def _relay(self, page: ServerConnection) -> None:
        async with connect(self._broker.page_url, subprotocols=["mqtt"]) as broker:

            async def downwards() -> None:
                async for data in broker:
                    for piece in self.change(data):
                        await page.send(piece)

            task = asyncio.create_task(downwards())
            try:
                async for data in page:
                    await broker.send(data)
            except ConnectionClosed:
                pass
            task.cancel()


@pytest.fixture
def make_meddler(make_door: Any, broker: Mosquitto) -> Iterator[Any]:
    meddlers: list[Meddler] = []

    def make(change: Callable[[bytes], list[bytes]]) -> Meddler:
        meddlers.append(Meddler(make_door(), broker, change))
        return meddlers[-1]

    yield make
    for meddler in meddlers:
        meddler.stop()


def test_packets_come_in_pieces(chromium, enrolled, make_meddler):
    meddler = make_meddler(lambda data: [data[index : index + 1] for index in range(len(data))])
    door, meeting, page = enrolled(chromium, url=meddler.url)
    leave(door, page)
    door.ring()
    page.wait_for(RING_IS_OPEN)


#: What no server sends to a client that wants no more than this one.
IMPOSSIBLE = {
    "a packet of clients": b"\xf0\x00",
    "flags that are reserved": b"\x41\x02\x00\x01",
    "longer than was agreed on": b"\x30\xff\xff\xff\x7f",
    "a length that does not end": b"\x30\xff\xff\xff\xff\x01",
    "QoS 2": b"\x34\x06\x00\x01a\x00\x01\x00",
    "an alias": b"\x30\x06\x00\x00\x03\x23\x00\x01",
    "properties that do not end": b"\x30\x05\x00\x01a\x7f\x01",
    "a property twice": b"\x40\x0a\x00\x01\x00\x06\x1f\x00\x00\x1f\x00\x00",
    "a second welcome": b"\x20\x03\x00\x00\x00",
    "a topic that is no UTF-8": b"\x30\x04\x00\x01\xff\x00",
    "text": "\x30\x00",
}


def test_what_is_no_mqtt_ends_the_connection_and_nothing_else(chromium, enrolled, make_meddler):
    pieces: list[Any] = []
    meddler = make_meddler(lambda data: [pieces.pop(), data] if pieces and b"/out/" in data else [data])
    door, meeting, page = enrolled(chromium, url=meddler.url)
    leave(door, page)
    viewer = door.next_viewer()
    for count, (name, packet) in enumerate(IMPOSSIBLE.items(), start=1):
        pieces.append(packet)
        viewer.send(type="door", camera="none")
        page.wait_for("doorward.state.connection.phase === 'waiting'")
        # sooner than by its own growing delay
        page.evaluate("void dispatchEvent(new Event('online'))")
        viewer = door.next_viewer()
        page.wait_for(IS_OUTSIDE)
        assert len([line for line in page.console if "what cannot be" in line]) == count, name
    assert [line for line in page.console if line.startswith("uncaught")] == []
