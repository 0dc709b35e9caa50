"""Calls between pages without the door: who rings, who hears whom, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from test_call import RING_IS_OPEN, pause
from test_group import HEARD, HEARS_SOMEBODY, SING, identifier, rename, wait_for_members

# How long a key is not for a dialog that has just come up (ring-dialog.js).
TYPING_GUARD = 450


def phase(page: Any, *phases: str, seconds: float = 10) -> None:
    page.wait_for(f"{list(phases)}.includes(doorward.state.intercom.phase)", seconds)


def button_for(name: str) -> str:
    return f"document.querySelector('#people [aria-label=\"Call {name}\"]')"


def call(page: Any, name: str) -> None:
    page.wait_for(f"{button_for(name)}?.checkVisibility()")
    page.click(f'#people [aria-label="Call {name}"]')


@pytest.fixture
def home(chromium: Any, start_daemon: Any, open_page: Any) -> list[Any]:
    """Kitchen and study, each with a tone for a voice."""
    return furnished([chromium, chromium], start_daemon, open_page)


@pytest.fixture
def mixed_home(chromium: Any, firefox: Any, start_daemon: Any, open_page: Any) -> list[Any]:
    """The same, with another browser in the study."""
    return furnished([chromium, firefox], start_daemon, open_page)


def furnished(browsers: list[Any], start_daemon: Any, open_page: Any) -> list[Any]:
    daemon = start_daemon(**{"calls.ring_timeout_ms": 4000})
    pages = [open_page(browser, daemon.url()) for browser in browsers]
    for page, (name, hertz) in zip(pages, [("Kitchen", 700), ("Study", 1100)]):
        page.daemon = daemon
        rename(page, name)
        page.evaluate(f"void {SING % hertz}")
    return pages


def talk(home: list[Any]) -> None:
    """The kitchen calls the study, which accepts."""
    kitchen, study = home
    call(kitchen, "Study")
    study.wait_for(RING_IS_OPEN)
    study.click("#accept")
    for page in home:
        phase(page, "talking")
        wait_for_members(page, 2)


@pytest.mark.alone
def test_two_hear_one_another_and_the_door_has_no_part_in_it(home, chromium, open_page):
    kitchen, study = home
    hall = open_page(chromium, kitchen.daemon.url())
    call(kitchen, "Study")
    study.wait_for(RING_IS_OPEN)
    assert study.text("#ring-title") == "Kitchen is calling"
    phase(kitchen, "ringing")
    assert kitchen.text("#status-title") == "Calling Study"
    study.click("#accept")
    for page, other, hertz in [(kitchen, study, 1100), (study, kitchen, 700)]:
        phase(page, "talking")
        page.wait_for("doorward.state.microphone.phase === 'on'")
        wait_for_members(page, 2)
        page.wait_for("doorward.state.members.every((member) => member.isSelf || member.isTalking)")
        heard = page.evaluate(HEARD)
        assert heard.keys() == {identifier(other)}
        assert abs(heard[identifier(other)] - hertz) < 15
    assert study.text("#status-title") == "In a call with Kitchen" and study.text("#talk-state") == "Kitchen hears you."
    status = kitchen.daemon.status()
    assert status["calls"] == 0 and status["peers"] == []
    assert not hall.evaluate(RING_IS_OPEN) and hall.evaluate("doorward.state.visits") == []
    hall.wait_for("document.querySelector('#people').innerText.match(/in a call/g)?.length === 2")
    assert not hall.evaluate(f"Boolean({button_for('Study')})"), "who is in a call is not called"

    study.click("#talk")
    kitchen.wait_for("doorward.state.members.every(({ isTalking }) => !isTalking)")
    assert kitchen.evaluate(HEARD)[identifier(study)] == 0, "who is muted is not heard"
    study.click("#camera")
    kitchen.wait_for("[...document.querySelectorAll('#members video')].some((video) => video.checkVisibility() && video.videoWidth > 0)")

    kitchen.click("#hang-up")
    phase(study, "ended")
    assert study.text("#status-text") == "Kitchen hung up."
    for page in home:
        page.wait_for("doorward.meshConnections.size === 0 && doorward.state.microphone.phase === 'off' && doorward.state.camera.phase === 'off'")
        assert page.is_visible("#watch") and not page.is_visible("#members-panel")
    hall.wait_for(button_for("Study"))


def test_two_browsers_understand_one_another_in_voice_and_writing(mixed_home):
    talk(mixed_home)
    kitchen, study = mixed_home
    for page in mixed_home:
        page.wait_for(HEARS_SOMEBODY, seconds=15)
        page.wait_for("doorward.state.conversation.isOpen")
    for writer, reader, text in [(kitchen, study, "Tea?"), (study, kitchen, "Yes, please")]:
        writer.evaluate(f"void (document.querySelector('#chat-text').value = '{text}', document.querySelector('#chat-form').requestSubmit())")
        reader.wait_for(f"document.querySelector('#chat').innerText.includes('{text}')")
        writer.wait_for("doorward.state.conversation.messages.at(-1).state === 'sent'")
    assert study.evaluate("document.querySelector('#chat').innerText").startswith("Kitchen")
    assert not study.is_visible("#unlock") and not study.is_visible("#snapshot")
    study.click("#hang-up")
    for page in mixed_home:
        page.wait_for("doorward.state.conversation.messages.length === 0")


def test_who_declines_or_does_not_answer_is_told_of_and_missed_only_there(home, chromium, open_page):
    kitchen, study = home
    hall = open_page(chromium, kitchen.daemon.url())
    call(kitchen, "Study")
    study.wait_for(RING_IS_OPEN)
    study.click("#decline")
    phase(kitchen, "ended")
    assert kitchen.text("#status-text") == "Study declined."
    assert study.text("#visits").startswith("You declined a call from Kitchen")
    assert kitchen.evaluate("doorward.state.microphone.phase") == "off"

    call(kitchen, "Study")
    study.wait_for(RING_IS_OPEN)
    kitchen.click("#cancel")
    study.wait_for(f"!{RING_IS_OPEN}")
    study.wait_for("document.querySelector('#visits').innerText.startsWith('Missed call from Kitchen')")

    call(kitchen, "Study")
    study.wait_for(RING_IS_OPEN)
    phase(kitchen, "ended", seconds=8)
    assert kitchen.text("#status-text") == "Study did not answer."
    study.wait_for(f"!{RING_IS_OPEN}")
    for page in (kitchen, hall):
        assert page.evaluate("doorward.state.visits") == []
        assert page.evaluate("doorward.state.missed") == []


def test_it_works_by_keyboard_alone(home):
    kitchen, study = home
    kitchen.wait_for(button_for("Study"))
    kitchen.evaluate(f"{button_for('Study')}.focus()")
    kitchen.press("Enter")
    study.wait_for(RING_IS_OPEN)
    assert kitchen.evaluate("document.activeElement.id") == "stage", "where the call goes on"
    pause(study, TYPING_GUARD)
    study.press("Enter")
    for page in home:
        phase(page, "talking")
    kitchen.press("m")
    kitchen.wait_for("doorward.state.microphone.phase === 'muted'")
    kitchen.press("h")
    phase(study, "ended")
    phase(kitchen, "idle")


def test_who_answers_the_door_leaves_the_call(home):
    kitchen, study = home
    talk(home)
    kitchen.daemon.ring()
    for page in home:
        page.wait_for(RING_IS_OPEN)
    assert kitchen.text("#ring-title") == "Front door is ringing"
    assert kitchen.text("#ring-hint") == "Accepting ends your call with Study."
    assert kitchen.evaluate("doorward.state.intercom.phase") == "talking", "until somebody answers"
    kitchen.click("#accept")
    kitchen.wait_for_phase("live", seconds=15)
    phase(kitchen, "idle")
    phase(study, "ended")
    assert study.text("#status-text") == "Kitchen went to the door."
    assert kitchen.evaluate("doorward.state.microphone.phase") == "on"
    kitchen.daemon.wait_for_status(lambda status: status["calls"] == 1, seconds=3)


def test_a_page_that_is_reloaded_in_mid_call_talks_on(home):
    kitchen, study = home
    talk(home)
    before = identifier(study)
    study.goto(study.daemon.url())
    study.wait_until_ready()
    phase(study, "talking", seconds=15)
    assert identifier(study) != before
    for page in home:
        wait_for_members(page, 2)
    study.wait_for("doorward.state.intercom.other.name === 'Kitchen' && doorward.state.microphone.phase === 'on'")
    kitchen.wait_for("doorward.state.members.some((member) => !member.isSelf && member.isTalking)")
    study.click("#hang-up")
    phase(kitchen, "ended")


def test_two_who_call_each_other_at_the_same_moment_are_in_one_call(chromium, make_door, open_page):
    door = make_door()
    page = open_page(chromium, door.url())
    viewer = door.next_viewer()
    viewer.expect("presence")
    other = {"id": "other", "name": "Study"}
    free = {"kind": "viewer", "inCall": False, "availability": "free"}
    viewer.send(type="presence", participants=[{"id": viewer.id, "name": "Kitchen", **free}, {**other, **free}])
    call(page, "Study")
    assert viewer.expect("call-initiate")["recipient"] == "other"
    viewer.send(type="call-incoming", call="c1", expiresInMs=30_000, **{"from": other})
    phase(page, "answering")
    assert not page.evaluate(RING_IS_OPEN)
    viewer.send(type="call-accepted", call="c1", by={"id": viewer.id, "name": "Kitchen"})
    members = [{**other, "isAway": False}, {"id": viewer.id, "name": "Kitchen", "isAway": False}]
    viewer.send(type="call-members", call="c1", members=members)
    phase(page, "talking")
    assert viewer.expect("call-offer")["recipient"] == "other", "an offer to the other, of the lower id"
