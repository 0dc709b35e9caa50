"""What the page does with what the door says: no media, in both browsers."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from network import LAN_ADDRESS

RING_IS_OPEN = "document.querySelector('#ring').open"


def visits(page: Any) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('#visits li')].map((item) => item.textContent)")


def outlast_typing_guard(page: Any) -> None:
    """A key within the first moments of a ring was meant for something else and does nothing (ring-dialog.js)."""
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 450))")


@pytest.fixture
def connected(browser: Any, make_door: Any, open_page: Any) -> Any:
    """`connected(**options)`: a fake door, a page at it, and that page as the door sees it."""

    def connect(**options: Any) -> Any:
        door = make_door(**options)
        page = open_page(browser, door.url())
        return door, page, door.next_viewer()

    return connect


def test_it_shows_the_doors_name_and_offers_one_button(connected):
    door, page, viewer = connected()
    assert page.text("#door-name") == "Front door"
    assert page.is_visible("#watch") and page.text("#watch") == "See the door"
    assert not page.is_visible("#controls")
    assert page.evaluate("document.title") == "Front door · Doorward"


def test_it_runs_under_its_content_security_policy_without_an_error(connected):
    door, page, viewer = connected()
    door.ring()
    page.wait_for(RING_IS_OPEN)
    assert [line for line in page.console if line.startswith(("error", "uncaught"))] == []


def test_it_tells_a_lost_connection_and_comes_back_by_itself(connected):
    door, page, viewer = connected()
    door.stop_listening()
    page.wait_for("doorward.state.connection.phase === 'waiting'")
    assert page.text("#connection") == "Reconnecting"
    assert "out of reach" in page.text("#status-text")
    assert page.evaluate("document.querySelector('#watch').ariaDisabled") == "true"
    door.listen()
    page.wait_until_ready()
    assert page.text("#connection") == "Ready"
    assert page.text("#status") == ""


def test_its_name_reaches_the_others_and_outlives_a_reload(connected):
    door, page, viewer = connected()
    viewer.expect("presence")
    page.evaluate("Object.assign(document.querySelector('#name'), { value: ' Kitchen ' }).dispatchEvent(new Event('change'))")
    assert viewer.expect("presence")["name"] == "Kitchen"
    page.wait_for("document.querySelector('#people').textContent.includes('Kitchen (you)')")
    page.goto(door.url())
    assert door.next_viewer().expect("presence")["name"] == "Kitchen"


def test_it_begins_anew_when_a_part_of_it_does_not_come(browser, make_door, open_page):
    door = make_door()
    door.breaks_at = {"/app.js", "/viewer.js"}
    page = open_page(browser, door.url(), ready=False)
    page.wait_through_reload("window.doorward?.state.connection.phase === 'open'")
    assert door.breaks_at == set()


def test_it_says_what_the_door_lacks(connected):
    door, page, viewer = connected(camera="test-card", microphone="none")
    assert page.text("#device-notes").splitlines() == [
        "No camera found: showing a test picture.", "No microphone at the door: you cannot hear it."
    ]
    viewer.send(type="door", camera="live", microphone="live", speaker="live")
    page.wait_for("!document.querySelector('#device-notes').checkVisibility()")


def test_messages_of_a_newer_protocol_change_nothing(connected):
    door, page, viewer = connected()
    viewer.send(type="weather", sky="blue")
    viewer.send(type="constructor")
    viewer.send(type="presence", participants=[{"id": viewer.id, "name": "Still here", "kind": "viewer", "inCall": False}])
    page.wait_for("document.querySelector('#people').textContent.includes('Still here')")
    assert not any(line.startswith("uncaught") for line in page.console)


# The ring


def test_a_ring_says_who_and_when_and_takes_the_focus(connected):
    door, page, viewer = connected()
    door.ring(age=12_000)
    page.wait_for(RING_IS_OPEN)
    assert page.text("#ring-title") == "Front door is ringing"
    assert page.wait_for("/, 1[2-4] s ago$/.test(document.querySelector('#ring-when').textContent)")
    assert page.wait_for("/^1[6-8] s left/.test(document.querySelector('#ring-left').textContent)")
    assert page.evaluate("document.activeElement.id") == "accept"
    assert page.wait_for("document.title === '🔔 Front door is ringing'")


@pytest.mark.alone
def test_a_ring_comes_up_at_once(connected):
    door, page, viewer = connected()
    page.evaluate(
        "new MutationObserver(() => { window.rangAt ??= Date.now(); }).observe(document.querySelector('#ring'), { attributes: true })"
    )
    pressed = time.time() * 1000
    door.ring()
    delay = page.wait_for("window.rangAt") - pressed
    assert delay < 200, f"the ring took {delay:.0f} ms"


def test_escape_declines_and_the_rest_goes_on_without_this_page(connected):
    door, page, viewer = connected()
    call = door.ring()
    page.wait_for(RING_IS_OPEN)
    outlast_typing_guard(page)
    page.press("Escape")
    assert viewer.expect("call-reject")["call"] == call
    page.wait_for(f"!{RING_IS_OPEN}")
    assert visits(page)[0].startswith("You declined at ")
    door.broadcast(type="call-accepted", call=call, by={"id": "other", "name": "Kitchen"})
    page.wait_for("document.querySelector('#visits').textContent.startsWith('Answered by Kitchen at ')")


def test_enter_accepts_and_opens_the_microphone(connected):
    door, page, viewer = connected()
    call = door.ring()
    page.wait_for(RING_IS_OPEN)
    outlast_typing_guard(page)
    page.press("Enter")
    assert viewer.expect("call-accept")["call"] == call
    offer = viewer.expect("call-offer")
    assert offer["call"] == call and offer["description"]["type"] == "offer"
    page.wait_for("doorward.state.microphone.phase === 'on'")
    assert visits(page)[0].startswith("You answered at ")


def test_a_key_meant_for_something_else_does_not_answer_the_door(connected):
    door, page, viewer = connected()
    page.evaluate(
        """new MutationObserver(() => {
            if (!document.querySelector('#ring').open || window.typed) return;
            window.typed = true;
            document.querySelector('#accept').click();
            document.querySelector('#decline').click();
        }).observe(document.querySelector('#ring'), { attributes: true })"""
    )
    door.ring()
    page.wait_for("window.typed")
    assert page.evaluate(RING_IS_OPEN)
    page.click("#decline")
    viewer.expect("call-reject")


def test_who_answered_elsewhere_is_told_and_it_stops_ringing(connected):
    door, page, viewer = connected()
    call = door.ring()
    page.wait_for(RING_IS_OPEN)
    door.broadcast(type="call-accepted", call=call, by={"id": "other", "name": "Kitchen"})
    page.wait_for(f"!{RING_IS_OPEN}")
    assert visits(page)[0].startswith("Answered by Kitchen at ")
    assert page.evaluate("document.title") == "Front door · Doorward"
    assert page.evaluate("doorward.state.status.phase") == "idle"


def test_answering_too_late_tells_who_was_first(connected):
    door, page, viewer = connected(accepts=False)
    call = door.ring()
    page.wait_for(RING_IS_OPEN)
    page.click("#accept")
    viewer.expect("call-accept")
    viewer.send(type="call-accepted", call=call, by={"id": "other", "name": "Kitchen"})
    page.wait_for_phase("ended")
    assert page.text("#status-text") == "Kitchen answered."
    page.wait_for("doorward.state.microphone.phase === 'off'")


@pytest.mark.parametrize(("reason", "words"), [("unanswered", "Missed ring at "), ("rejected", "Everybody declined at ")])
def test_a_ring_that_nobody_took_is_listed(connected, reason, words):
    door, page, viewer = connected()
    call = door.ring()
    page.wait_for(RING_IS_OPEN)
    door.broadcast(type="call-hangup", call=call, reason=reason)
    page.wait_for(f"!{RING_IS_OPEN}")
    assert visits(page)[0].startswith(words)


def test_a_ring_ends_by_itself_when_its_end_is_never_told(connected):
    door, page, viewer = connected(ring_timeout=300)
    door.ring()
    page.wait_for(RING_IS_OPEN)
    page.wait_for(f"!{RING_IS_OPEN}", seconds=5)
    assert visits(page)[0].startswith("Missed ring at ")


def test_visits_outlive_a_reload(connected):
    door, page, viewer = connected()
    door.broadcast(type="call-hangup", call=door.ring(), reason="unanswered")
    page.wait_for("document.querySelector('#visits').textContent.startsWith('Missed')")
    page.goto(door.url())
    page.wait_for("document.querySelector('#visits')?.textContent.startsWith('Missed')")


# Calling


def test_an_absent_door_is_a_reason_in_words(connected):
    door, page, viewer = connected(accepts=False)
    page.click("#watch")
    viewer.expect("call-initiate")
    viewer.send(type="call-error", code="recipient_offline", message="the door is not there")
    page.wait_for_phase("failed")
    assert page.text("#status-title") == "No picture"
    assert "the door did not join" in page.text("#status-text")
    assert page.text("#watch") == "Try again"


def test_the_offer_is_ready_when_the_door_accepts(connected):
    door, page, viewer = connected(accepts=False)
    page.click("#watch")
    viewer.expect("call-initiate")
    page.wait_for("doorward.peerConnection.localDescription")
    viewer.send(type="call-accepted", call="c", by={"id": "door", "name": "Front door"})
    sdp = viewer.expect("call-offer")["description"]["sdp"]
    # of the data channels' description a direction means nothing, and not every browser leaves it out
    media = [section for section in sdp.split("\r\nm=")[1:] if section.startswith(("audio", "video"))]
    known = ("a=sendrecv", "a=recvonly", "a=sendonly", "a=inactive")
    assert [line for section in media for line in section.splitlines() if line in known] == ["a=sendrecv", "a=recvonly"]


def test_a_call_cancelled_before_the_door_accepted_is_hung_up(connected):
    door, page, viewer = connected(accepts=False)
    page.click("#watch")
    viewer.expect("call-initiate")
    page.click("#cancel")
    page.wait_for_phase("idle")
    viewer.send(type="call-accepted", call="late", by={"id": "door", "name": "Front door"})
    assert viewer.expect("call-hangup")["call"] == "late"


def test_the_focus_stays_in_the_stage_when_its_buttons_change(connected):
    door, page, viewer = connected(accepts=False)
    page.evaluate("document.querySelector('#watch').focus()")
    page.press("Enter")
    page.wait_for_phase("calling")
    assert page.evaluate("document.activeElement.id") == "stage"


def test_letters_are_shortcuts_only_while_they_are_wanted(connected):
    door, page, viewer = connected(accepts=False)
    page.click("#shortcuts")
    page.wait_for("!doorward.state.hasShortcuts")
    page.press("w")
    assert page.evaluate("doorward.state.status.phase") == "idle"
    page.click("#shortcuts")
    page.wait_for("doorward.state.hasShortcuts")
    page.press("w")
    viewer.expect("call-initiate")
    page.press("h")
    page.wait_for_phase("idle")


# The microphone


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "blocked for this page"),
        ("NotFoundError", "No microphone was found"),
        ("NotReadableError", "in use by another program"),
    ],
)
def test_why_there_is_no_microphone_is_told_in_plain_words(connected, name, words):
    door, page, viewer = connected()
    page.evaluate(f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', {json.dumps(name)}))")
    call = door.ring()
    page.wait_for(RING_IS_OPEN)
    page.click("#accept")
    page.wait_for("doorward.state.microphone.problem")
    page.wait_for("document.querySelector('#microphone-problem').checkVisibility()")
    assert words in page.text("#microphone-problem")
    assert viewer.expect("call-accept")["call"] == call, "the call goes on without it"


def test_a_page_that_may_not_have_a_microphone_says_why(browser, make_door, open_page):
    door = make_door()
    page = open_page(browser, door.url(LAN_ADDRESS))
    assert not page.evaluate("isSecureContext")
    viewer = door.next_viewer()
    door.ring()
    page.wait_for(RING_IS_OPEN)
    page.click("#accept")
    viewer.expect("call-offer")
    page.wait_for("document.querySelector('#microphone-problem').checkVisibility()")
    text = page.text("#microphone-problem")
    assert "https or on localhost" in text and f"http://{LAN_ADDRESS}:{door.port}" in text
