"""The page's care for a call: what it does when the picture, the path or the door's service goes away."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def watching(browser: Any, make_door: Any, open_page: Any) -> Any:
    """`watching(**options)`: a page that sees the fake door's picture."""

    def watch(**options: Any) -> Any:
        door = make_door(has_peer=True, **options)
        page = open_page(browser, door.url())
        page.click("#watch")
        page.wait_for_phase("live", seconds=20)
        return door, page, door.next_viewer()

    return watch


def test_the_console_has_the_way_to_the_first_picture_in_one_line(watching):
    door, page, viewer = watching()
    line = next(line for line in page.console if "first picture after" in line)
    for step in ("click 0", "call-accepted", "offer sent", "answer received", "ice connected", "dtls connected", "track", "first frame"):
        assert step in line


def test_a_picture_that_stands_still_is_told_and_forgotten_once_it_moves(watching):
    door, page, viewer = watching()
    viewer.peer.picture.is_frozen = True
    page.wait_for_phase("interrupted")
    assert page.text("#status-title") == "The picture stopped"
    viewer.peer.picture.is_frozen = False
    page.wait_for_phase("live")
    assert page.text("#status") == ""


def test_a_broken_peer_is_called_again(watching):
    door, page, viewer = watching()
    viewer.expect("call-initiate")
    viewer.hang_up("peer_failed")
    viewer.expect("call-initiate")
    page.wait_for_phase("live", seconds=20)


def test_a_door_that_went_away_and_came_back_is_called_again(watching):
    door, page, viewer = watching()
    door.stop_listening()
    page.wait_for_phase("interrupted", "retrying")
    assert page.text("#connection") == "Reconnecting"
    door.listen()
    door.next_viewer().expect("call-initiate", seconds=15)
    page.wait_for_phase("live", seconds=20)


def test_the_end_has_its_reason_in_words(watching):
    door, page, viewer = watching(limit=600_000)
    viewer.hang_up("max_duration")
    page.wait_for_phase("ended")
    assert page.text("#status-title") == "Call ended"
    assert page.text("#status-text") == "The call reached its limit of 10 min."
    assert page.text("#watch") == "See the door again"


def test_accepting_a_ring_while_watching_keeps_the_picture(watching):
    door, page, viewer = watching()
    page.evaluate("void (window.before = doorward.peerConnection)")
    door.ring()
    page.wait_for("document.querySelector('#ring').open")
    page.click("#accept")
    page.wait_for("doorward.state.microphone.phase === 'on'")
    viewer.expect("call-accept")
    page.wait_for("doorward.state.visits[0].outcome === 'accepted'")
    assert page.evaluate("window.before === doorward.peerConnection && doorward.state.status.phase") == "live"


def test_what_is_said_reaches_the_door_until_it_is_muted(watching):
    door, page, viewer = watching()
    assert page.evaluate("doorward.state.microphone.phase") == "off"
    page.click("#talk")
    page.wait_for("doorward.state.microphone.phase === 'on'")
    page.wait_for("document.querySelector('#talk-state').textContent === 'The door hears you.'")
    # The fake microphones beep: loud moments must come.
    for _ in range(100):
        page.evaluate("new Promise((resolve) => setTimeout(resolve, 50))")
        if max(viewer.peer.heard, default=0) > 0.01:
            break
    assert max(viewer.peer.heard, default=0) > 0.01
    page.click("#talk")
    page.wait_for("doorward.state.microphone.phase === 'muted'")
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 500))")
    viewer.peer.heard.clear()
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 1500))")
    assert max(viewer.peer.heard, default=0) < 0.001


def test_hanging_up_gives_the_microphone_back(watching):
    door, page, viewer = watching()
    page.click("#talk")
    page.wait_for("doorward.state.microphone.phase === 'on'")
    page.evaluate("void (window.connection = doorward.peerConnection)")
    page.wait_for("window.track = connection.getSenders().find(({ track }) => track)?.track")
    page.click("#hang-up")
    page.wait_for_phase("idle")
    viewer.expect("call-hangup")
    assert page.evaluate("window.track.readyState") == "ended"
    assert page.evaluate("window.connection.signalingState") == "closed"


def test_statistics_tell_size_rate_and_codec(watching):
    door, page, viewer = watching()
    page.click("#statistics summary")
    page.wait_for("/1280 × 720|640 × 360|960 × 540/.test(document.querySelector('#statistics-list').textContent)", seconds=15)
    rows = page.evaluate("Object.fromEntries([...document.querySelectorAll('#statistics-list dt')].map((name) => [name.textContent, name.nextSibling.textContent]))")
    assert "opus" in rows["Codecs"]
    assert page.wait_for("/[1-9]\\d* fps/.test(document.querySelector('#statistics-list').textContent)")
