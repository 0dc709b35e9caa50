"""Chromium and Firefox call the daemon."""

from __future__ import annotations

from typing import Any

import pytest

import card
from chromium import Chromium
from firefox import Firefox

RING_IS_OPEN = "document.querySelector('#ring').open"


def pause(page: Any, milliseconds: int) -> None:
    page.evaluate(f"new Promise((resolve) => setTimeout(resolve, {milliseconds}))")


def watch(page: Any) -> None:
    page.click("#watch")
    page.wait_for_phase("live", seconds=15)


@pytest.fixture
def watching(browser: Any, daemon: Any, open_page: Any) -> Any:
    page = open_page(browser, daemon.url())
    watch(page)
    return page


# Picture and sound


@pytest.mark.alone
def test_the_picture_is_decoded_at_the_cards_rate(watching):
    pause(watching, 1000)
    first = watching.inbound("video")
    pause(watching, 3000)
    second = watching.inbound("video")
    seconds = (second["timestamp"] - first["timestamp"]) / 1000
    rate = (second["framesDecoded"] - first["framesDecoded"]) / seconds
    assert rate > 20, f"{rate:.1f} frames a second"


@pytest.mark.alone
def test_the_cards_clock_is_read_out_of_the_picture_and_is_now(watching):
    first = card.read(watching)
    pause(watching, 2000)
    second = card.read(watching)
    passed = second.milliseconds - first.milliseconds
    assert abs(passed - (second.read_at - first.read_at)) < 400, f"the card's clock went {passed} ms"
    assert first.number != second.number
    assert -50 < second.age < 1000, f"the picture is {second.age:.0f} ms old"


@pytest.mark.alone
def test_the_doors_sound_arrives(watching):
    pause(watching, 500)
    first = watching.inbound("audio")
    pause(watching, 2000)
    second = watching.inbound("audio")
    energy = second["totalAudioEnergy"] - first["totalAudioEnergy"]
    duration = second["totalSamplesDuration"] - first["totalSamplesDuration"]
    loudness = (energy / duration) ** 0.5
    assert 0.005 < loudness < 0.2, f"root mean square {loudness:.4f}: the tone peaks at -26 dBFS"


@pytest.mark.alone
def test_the_doors_tone_has_its_pitch(chromium, daemon, open_page):
    # Not in Firefox, whose AudioContext does not run on a machine without a sound device.
    page = open_page(chromium, daemon.url())
    watch(page)
    pitch = page.evaluate(
        """(async () => {
            const context = new AudioContext();
            await context.resume();
            const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
            context.createMediaStreamSource(document.querySelector("video").srcObject).connect(analyser);
            await new Promise((resolve) => setTimeout(resolve, 1500));
            const spectrum = new Float32Array(analyser.frequencyBinCount);
            analyser.getFloatFrequencyData(spectrum);
            const loudest = spectrum.indexOf(Math.max(...spectrum));
            const result = { hertz: (loudest * context.sampleRate) / analyser.fftSize, decibels: spectrum[loudest] };
            await context.close();
            return result;
        })()"""
    )
    assert pitch["decibels"] > -60
    assert abs(pitch["hertz"] - 440) < 10


@pytest.mark.alone
def test_the_page_is_heard_at_the_door_until_it_is_muted(browser, daemon, open_page):
    page = open_page(browser, daemon.url())
    watch(page)
    assert page.evaluate("doorward.state.microphone.phase") == "off"
    page.click("#talk")
    page.wait_for("doorward.state.microphone.phase === 'on'")
    # The fake microphones beep now and then.
    daemon.wait_for_status(lambda status: loudness(status) > -50, seconds=10)
    page.click("#talk")
    page.wait_for("doorward.state.microphone.phase === 'muted'")
    pause(page, 700)
    levels = []
    for _ in range(20):
        pause(page, 100)
        levels.append(loudness(daemon.status()))
    assert max(levels) < -60, f"{levels} dBFS"


def test_who_talks_by_holding_the_button_is_heard_only_while_he_holds_it(browser, daemon, open_page):
    page = open_page(browser, daemon.url())
    page.evaluate("void document.querySelector('#push-to-talk').click()")
    watch(page)
    assert page.text("#talk") == "Hold to talk"
    page.evaluate("void document.querySelector('#talk').dispatchEvent(new PointerEvent('pointerdown', { button: 0, bubbles: true }))")
    page.wait_for("doorward.state.microphone.phase === 'on'")
    daemon.wait_for_status(lambda status: loudness(status) > -50, seconds=10)
    page.evaluate("void dispatchEvent(new PointerEvent('pointerup', { button: 0 }))")
    page.wait_for("doorward.state.microphone.phase === 'muted'")
    page.click("#talk")
    assert page.evaluate("doorward.state.microphone.phase") == "muted", "a touch that is over is no wish to go on talking"
    daemon.ring()
    page.wait_for(RING_IS_OPEN)
    page.click("#accept")
    page.wait_for("doorward.state.visits[0].outcome === 'accepted'")
    assert page.evaluate("doorward.state.microphone.phase") == "muted", "nor is accepting"


def loudness(status: dict[str, Any]) -> float:
    """The loudest voice at the door, in dBFS."""
    return max((peer["voice"].get("levelDBFS", -120) for peer in status["peers"] if peer.get("voice")), default=-120)


@pytest.mark.alone
def test_from_the_click_to_the_first_picture_in_under_half_a_second(browser, daemon, open_page):
    page = open_page(browser, daemon.url())
    times = []
    for _ in range(3):
        watch(page)
        times.append(page.evaluate("doorward.timeline"))
        page.click("#hang-up")
        page.wait_for_phase("idle")
    for line in page.console:
        if "first picture after" in line:
            print(line)
    # The best of three: two browsers and a daemon share this machine with whatever else it does.
    best = min(times, key=lambda steps: steps["first frame"])
    assert best["first frame"] < 500, times


@pytest.mark.alone
def test_several_people_watch_one_encode(chromium, firefox, daemon, open_page):
    pages = [open_page(browser, daemon.url()) for browser in (chromium, chromium, firefox)]
    for page in pages:
        watch(page)
    before = daemon.status()
    assert before["calls"] == 3
    pause(pages[0], 2000)
    after = daemon.status()
    assert after["video"]["encoded"] - before["video"]["encoded"] < 2.6 * 30 * 1.2, "one picture is encoded once, however many watch"
    for page in pages:
        card.read(page)
    pages[0].wait_for("document.querySelectorAll('#people [data-in-call=true]').length === 3")


# Rings


@pytest.fixture
def two_pages(chromium: Chromium, firefox: Firefox, daemon: Any, open_page: Any) -> Any:
    return open_page(chromium, daemon.url()), open_page(firefox, daemon.url())


@pytest.mark.alone
@pytest.mark.flaky(reruns=2)  # what starts, and what draws, share two processors with all else that runs
def test_the_button_rings_the_page_within_200_ms(browser, daemon, open_page):
    page = open_page(browser, daemon.url())
    page.evaluate(
        "void new MutationObserver(() => { window.rangAt ??= Date.now(); }).observe(document.querySelector('#ring'), { attributes: true })"
    )
    pressed = daemon.ring() * 1000
    delay = page.wait_for("window.rangAt") - pressed
    print(f"rang {delay:.0f} ms after the command was started")
    assert delay < 200
    assert "is ringing" in page.text("#ring-title")


def test_the_first_to_accept_has_the_call_and_the_other_sees_who(two_pages, daemon):
    one, other = two_pages
    one.evaluate("Object.assign(document.querySelector('#name'), { value: 'Kitchen' }).dispatchEvent(new Event('change'))")
    other.wait_for("document.querySelector('#people').textContent.includes('Kitchen')")
    daemon.ring()
    for page in two_pages:
        page.wait_for(RING_IS_OPEN)
    one.click("#accept")
    one.wait_for_phase("live", seconds=15)
    one.wait_for("doorward.state.microphone.phase === 'on'")
    other.wait_for(f"!{RING_IS_OPEN}")
    assert other.text("#visits").startswith("Answered by Kitchen at ")
    assert other.evaluate("doorward.state.status.phase") == "idle"
    assert daemon.status()["calls"] == 1


def test_declining_on_every_page_ends_the_ring(two_pages, daemon):
    one, other = two_pages
    daemon.ring()
    for page in two_pages:
        page.wait_for(RING_IS_OPEN)
    one.click("#decline")
    one.wait_for(f"!{RING_IS_OPEN}")
    assert other.evaluate(RING_IS_OPEN), "one who declines does so for himself"
    other.click("#decline")
    daemon.wait_for_status(lambda status: not status["isRinging"], seconds=3)
    assert one.text("#visits").startswith("You declined at ")


def test_a_ring_that_nobody_answers_ends_and_every_page_says_so(chromium, firefox, start_daemon, open_page):
    daemon = start_daemon(**{"calls.ring_timeout_ms": 1500})
    pages = [open_page(browser, daemon.url()) for browser in (chromium, firefox)]
    daemon.ring()
    for page in pages:
        page.wait_for(RING_IS_OPEN)
    for page in pages:
        page.wait_for(f"!{RING_IS_OPEN}", seconds=4)
        assert page.text("#visits").startswith("Missed ring at ")
    assert not daemon.status()["isRinging"]


def test_accepting_while_watching_keeps_the_picture(watching, daemon):
    watching.evaluate("void (window.before = doorward.peerConnection)")
    daemon.ring()
    watching.wait_for(RING_IS_OPEN)
    watching.click("#accept")
    watching.wait_for("doorward.state.visits[0].outcome === 'accepted'")
    watching.wait_for("doorward.state.microphone.phase === 'on'")
    first = card.read(watching)
    pause(watching, 500)
    assert card.read(watching).number != first.number
    assert watching.evaluate("window.before === doorward.peerConnection")
    assert daemon.status()["calls"] == 1


# Ends


def test_hanging_up_ends_the_peer_at_the_door(watching, daemon):
    assert daemon.status()["calls"] == 1
    watching.click("#hang-up")
    watching.wait_for_phase("idle")
    daemon.wait_for_status(lambda status: status["calls"] == 0 and not status["peers"], seconds=3)


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_a_browser_that_is_killed_in_mid_call_is_gone_at_the_door(name, playwright, daemon):
    browser = Chromium(playwright) if name == "chromium" else Firefox()
    try:
        page = browser.open(daemon.url())
        page.wait_until_ready()
        watch(page)
        assert daemon.status()["calls"] == 1
        browser.kill()
        daemon.wait_for_status(lambda status: status["calls"] == 0 and status["pages"] == 0 and not status["peers"], seconds=30)
    finally:
        browser.stop()


def test_a_call_ends_at_its_limit_and_says_so(browser, start_daemon, open_page):
    daemon = start_daemon(**{"calls.max_duration_ms": 2000})
    page = open_page(browser, daemon.url())
    watch(page)
    page.wait_for_phase("ended", seconds=6)
    assert page.text("#status-text") == "The call reached its limit of 2 s."
    daemon.wait_for_status(lambda status: status["calls"] == 0, seconds=3)


@pytest.mark.alone
def test_sigterm_ends_calls_with_a_reason_within_two_seconds(watching, daemon):
    assert daemon.stop() < 2
    watching.wait_for_phase("ended")
    assert watching.text("#status-text").startswith("The door's service was stopped.")
    assert watching.text("#connection") == "Reconnecting"


# What the daemon promises to its page


def test_the_page_runs_under_the_daemons_policy_without_an_error(watching):
    assert [line for line in watching.console if line.startswith(("error", "uncaught"))] == []
