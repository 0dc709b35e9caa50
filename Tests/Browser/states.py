"""Every state of the page as a picture: `states.py FOLDER` writes `<state>-<width>-<scheme>.png` for the eye to judge."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

from chromium import FLAGS, Chromium, ChromiumPage
from fake_door import FakeDoor, Viewer
from fake_meeting import FakeMeeting
from mosquitto import Mosquitto
from network import LAN_ADDRESS, LOOPBACK, enter_private_network

SIZES = {360: 740, 768: 1024, 1440: 900}


def idle(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    pass


def live(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    page.click("#watch")
    page.wait_for_phase("live")
    page.wait_for("document.querySelector('#elapsed').textContent === '0:02'")


def talking(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    live(page, door, viewer)
    page.click("#talk")
    page.wait_for("doorward.state.microphone.phase === 'on'")
    page.evaluate("document.querySelector('#statistics').open = true")
    page.wait_for("document.querySelector('#elapsed').textContent === '0:04'")


def insecure(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    live(page, door, viewer)
    page.click("#talk")
    page.wait_for("doorward.state.microphone.problem === 'insecure'")


def test_card(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    viewer.send(type="door", camera="test-card", microphone="tone", speaker="none")
    live(page, door, viewer)


def connecting(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    door.accepts = False
    page.click("#watch")
    page.wait_for_phase("calling")


def ringing(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    door.ring(age=12_000)
    page.wait_for("document.querySelector('#ring').open")


def ringing_silent(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    page.wait_for("doorward.state.isRingLocked")
    ringing(page, door, viewer)
    page.wait_for("new Promise((resolve) => setTimeout(resolve, 600, true))")


def ringing_while_watching(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    live(page, door, viewer)
    ringing(page, door, viewer)


def visits(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    for outcome in ("rejected", "unanswered"):
        door.broadcast(type="call-hangup", call=door.ring(), reason=outcome)
    door.broadcast(type="call-accepted", call=door.ring(), by={"id": "somebody", "name": "Grandmother's tablet"})
    door.broadcast(type="call-hangup", call=door.ring(), reason="unanswered")
    page.wait_for("document.querySelectorAll('#visits li').length === 4")


def missed(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    viewer.send(type="missed", rings=[{"call": "one", "at": 1764000000000}, {"call": "two", "at": 1764003600000}])
    page.wait_for("document.querySelector('#missed').checkVisibility()")


def group(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    live(page, door, viewer)
    names = {viewer.id: "Kitchen tablet", "zz-1": "Grandmother", "zz-2": "The telephone in the hall upstairs"}
    members = [{"id": one, "name": name, "isAway": one == "zz-1"} for one, name in names.items()]
    viewer.send(type="call-members", call=viewer.call, members=members)
    page.wait_for("document.querySelectorAll('#members li').length === 3")
    page.click("#camera")
    page.wait_for("[...document.querySelectorAll('#members video')].some((video) => video.videoWidth > 0)")
    page.evaluate("document.querySelector('#members li:last-child').dataset.talking = 'true'")


def people(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    viewer.expect("presence")
    listed = [(viewer.id, "Kitchen tablet", "free"), ("zz-1", "Grandmother", "busy"), ("zz-2", "The telephone in the hall upstairs", "free")]
    viewer.send(type="presence", participants=[
        {"id": one, "name": name, "kind": "viewer", "inCall": False, "availability": availability} for one, name, availability in listed
    ])
    page.wait_for("document.querySelectorAll('#people li').length === 3")


def calling_somebody(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    people(page, door, viewer)
    page.click("#people button")
    viewer.expect("call-initiate")
    viewer.send(type="call-ringing", call="c1", to={"id": "zz-2", "name": "The telephone in the hall upstairs"}, expiresInMs=30_000)
    page.wait_for("doorward.state.intercom.phase === 'ringing'")


def called(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    people(page, door, viewer)
    viewer.send(type="call-incoming", call="c1", expiresInMs=30_000, **{"from": {"id": "zz-1", "name": "Grandmother"}})
    page.wait_for("document.querySelector('#ring').open")


def talking_to_somebody(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    calling_somebody(page, door, viewer)
    viewer.send(type="call-accepted", call="c1", by={"id": "zz-2", "name": "The telephone in the hall upstairs"})
    members = {viewer.id: "Kitchen tablet", "zz-2": "The telephone in the hall upstairs"}
    viewer.send(type="call-members", call="c1", members=[{"id": one, "name": name, "isAway": False} for one, name in members.items()])
    page.wait_for("document.querySelector('#elapsed').textContent === '0:02'")


def interrupted(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    live(page, door, viewer)
    viewer.peer.picture.is_frozen = True
    page.wait_for_phase("interrupted")


def ended(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    live(page, door, viewer)
    viewer.hang_up("max_duration")
    page.wait_for_phase("ended")


def failed(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    door.accepts = False
    page.click("#watch")
    viewer.expect("call-initiate")
    viewer.send(type="call-error", code="recipient_offline", message="no door")
    page.wait_for_phase("failed")


def offline(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    door.stop_listening()
    page.wait_for("doorward.state.connection.phase === 'waiting' && doorward.state.connection.retryAt - Date.now() > 2500", 20)


def outside(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    go_outside(page, door)


def tampered(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    (session,) = go_outside(page, door).sessions.values()
    session.next_frame = lambda frame: [frame[:-1] + bytes([frame[-1] ^ 1])]
    door.ring()
    page.wait_for("doorward.state.wasTampered && doorward.state.connection.phase === 'open'")


def door_away(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    go_outside(page, door).leave()
    page.goto(door.url())
    page.wait_for("window.doorward?.state.connection.problem === 'doorAway'")


def broker_away(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    go_outside(page, door).broker.stop()
    page.wait_for("doorward.state.connection.problem === 'brokerUnreachable' && doorward.state.connection.retryAt - Date.now() > 2500", 20)


def unknown(page: ChromiumPage, door: FakeDoor, viewer: Viewer) -> None:
    meeting = go_outside(page, door)
    meeting.known.clear()
    page.goto(door.url())
    page.wait_for("window.doorward?.state.connection.problem === 'unknownKey'")


def go_outside(page: ChromiumPage, door: FakeDoor) -> FakeMeeting:
    """Makes the page known to the door, and leaves the house with it."""
    broker = Mosquitto(LOOPBACK, tls=False)
    meeting = FakeMeeting(door, broker)
    AFTERWARDS.callback(broker.stop)
    AFTERWARDS.callback(meeting.stop)
    meeting.enrol()
    page.goto(door.url())
    page.wait_for("navigator.serviceWorker.getRegistration().then((registration) => Boolean(registration?.active))")
    door.stop_listening()
    page.wait_for("doorward.state.connection.way === 'outside' && doorward.state.participants.length === 2")
    return meeting


#: What a state started, and what is ended when its picture is taken.
AFTERWARDS = ExitStack()

STATES: list[Callable[[ChromiumPage, FakeDoor, Viewer], None]] = [
    idle, live, talking, insecure, test_card, connecting, ringing, ringing_silent, ringing_while_watching, visits,
    missed, group, people, calling_somebody, called, talking_to_somebody, interrupted, ended, failed, offline, outside, tampered,
    door_away, broker_away, unknown,
]


def main(folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    enter_private_network()
    with sync_playwright() as playwright:
        free = Chromium(playwright)
        strict = Chromium(playwright, flags=[flag for flag in FLAGS if not flag.startswith("--autoplay")])
        for state in STATES:
            if wanted and state.__name__ not in wanted:
                continue
            for width, height in SIZES.items():
                for scheme in ("light", "dark"):
                    door = FakeDoor(has_peer=True, limit=600_000 if state is ended else 0)
                    host = LAN_ADDRESS if state is insecure else LOOPBACK
                    browser = strict if state is ringing_silent else free
                    page = browser.open(door.url(host), width=width, height=height, dark=scheme == "dark", scale=2 if width < 500 else 1)
                    try:
                        page.wait_until_ready()
                        state(page, door, door.next_viewer())
                        page.wait_for("new Promise((resolve) => setTimeout(resolve, 400, true))")
                        page.screenshot(folder / f"{state.__name__}-{width}-{scheme}.png")
                    finally:
                        page.close()
                        AFTERWARDS.close()
                        door.stop()
        free.stop()
        strict.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
