"""Several pages in one call with the door: who hears whom, who comes and goes, and who comes back."""

from __future__ import annotations

from typing import Any

import pytest

from test_call import RING_IS_OPEN, pause, watch

DOOR_TONE = 440

# In place of the microphone: a tone of its own, so that everybody can be told by his pitch.
SING = """(() => {
    const context = new AudioContext();
    const voice = context.createMediaStreamDestination();
    const tone = new OscillatorNode(context, { frequency: %d });
    tone.connect(new GainNode(context, { gain: 0.3 })).connect(voice);
    tone.start();
    const devices = navigator.mediaDevices;
    const original = devices.getUserMedia.bind(devices);
    const sing = async () => new MediaStream(voice.stream.getTracks().map((track) => track.clone()));
    devices.getUserMedia = (wanted) => (wanted.audio ? sing() : original(wanted));
})()"""

# Whether anything but silence comes from another page.
HEARS_SOMEBODY = """(async () => {
    const [connection] = doorward.meshConnections.values();
    const reports = [...(await connection.getStats()).values()];
    return reports.some(({ type, kind, totalAudioEnergy }) => type === "inbound-rtp" && kind === "audio" && totalAudioEnergy > 0);
})()"""

# The loudest frequency, in hertz, of what each other member is heard with, by his id, and of the door where it is in the call.
HEARD = """(async () => {
    const context = new AudioContext();
    await context.resume();
    const picture = document.querySelector("#video").srcObject;
    const tracks = picture === null ? {} : { door: picture.getAudioTracks()[0] };
    for (const [id, connection] of doorward.meshConnections) {
        tracks[id] = connection.getReceivers().find(({ track }) => track.kind === "audio").track;
    }
    const analysers = Object.entries(tracks).map(([id, track]) => {
        const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
        context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        return [id, analyser];
    });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const heard = analysers.map(([id, analyser]) => {
        const spectrum = new Float32Array(analyser.frequencyBinCount);
        analyser.getFloatFrequencyData(spectrum);
        const loudest = spectrum.indexOf(Math.max(...spectrum));
        return [id, spectrum[loudest] > -60 ? (loudest * context.sampleRate) / analyser.fftSize : 0];
    });
    await context.close();
    return Object.fromEntries(heard);
})()"""


def rename(page: Any, name: str) -> None:
    page.evaluate(f"void Object.assign(document.querySelector('#name'), {{ value: '{name}' }}).dispatchEvent(new Event('change'))")


def identifier(page: Any) -> str:
    return page.evaluate("doorward.state.selfId")


def wait_for_members(page: Any, count: int, seconds: float = 15) -> None:
    """Until the page is connected to every other of so many members."""
    page.wait_for(
        f"doorward.state.members.length === {count} && doorward.state.members.every((member) => member.isSelf || member.state === 'connected')",
        seconds,
    )


def talk(page: Any) -> None:
    page.click("#talk")
    page.wait_for("doorward.state.microphone.phase === 'on'")


@pytest.fixture
def three_pages(chromium: Any, daemon: Any, open_page: Any) -> list[Any]:
    """Three people in the call, each with a tone for a voice."""
    pages = [open_page(chromium, daemon.url()) for _ in range(3)]
    for page, (name, hertz) in zip(pages, [("Kitchen", 700), ("Study", 1100), ("Hall", 1500)]):
        rename(page, name)
        page.evaluate(f"void {SING % hertz}")
        page.hertz = hertz
        watch(page)
    for page in pages:
        wait_for_members(page, 3)
    return pages


@pytest.mark.alone
def test_everybody_in_the_call_hears_everybody_and_so_does_the_door(three_pages, daemon):
    for page in three_pages:
        talk(page)
    for page in three_pages:
        page.wait_for("doorward.state.members.every((member) => member.isSelf || member.isTalking)")
    for page in three_pages:
        expected = {"door": DOOR_TONE} | {identifier(other): other.hertz for other in three_pages if other is not page}
        heard = page.evaluate(HEARD)
        assert heard.keys() == expected.keys()
        for who, hertz in expected.items():
            assert abs(heard[who] - hertz) < 15, f"{heard}, and not {expected}"
    voices = [peer["voice"]["levelDBFS"] for peer in daemon.status()["peers"]]
    assert len(voices) == 3 and min(voices) > -40, "each voice comes to the door once, and from nobody else"
    three_pages[0].click("#talk")
    three_pages[1].wait_for("!doorward.state.members.find(({ name }) => name === 'Kitchen').isTalking")
    assert three_pages[1].evaluate(HEARD)[identifier(three_pages[0])] == 0, "who is muted is not heard"


@pytest.mark.alone
def test_who_is_in_the_call_is_shown_and_who_leaves_is_not(three_pages, daemon):
    names = "[...document.querySelectorAll('#members li')].map((item) => item.children[1].textContent)"
    assert three_pages[1].evaluate(names) == ["Kitchen", "Study (you)", "Hall"]
    three_pages[0].click("#hang-up")
    for page in three_pages[1:]:
        wait_for_members(page, 2)
        page.wait_for("doorward.meshConnections.size === 1")
    assert not three_pages[0].is_visible("#members-panel")
    watch(three_pages[0])
    for page in three_pages:
        wait_for_members(page, 3)
    assert daemon.status()["calls"] == 3


@pytest.mark.alone
def test_who_shows_himself_is_seen_until_he_hides(chromium, daemon, open_page):
    one, other = (open_page(chromium, daemon.url()) for _ in range(2))
    for page in (one, other):
        watch(page)
    wait_for_members(one, 2)
    assert not other.evaluate("[...document.querySelectorAll('#members video')].some((video) => video.checkVisibility())")
    for page in (one, other):
        # both at once: their offers may collide
        page.evaluate("void document.querySelector('#camera').click()")
    pictures = "[...document.querySelectorAll('#members video')].filter((video) => video.checkVisibility() && video.videoWidth > 0).length"
    for page in (one, other):
        page.wait_for(f"{pictures} === 2", seconds=15)
    one.click("#camera")
    other.wait_for(f"{pictures} === 1")
    assert one.evaluate("doorward.state.camera.track") is None
    assert "video" not in [line for line in daemon.status()["peers"][0]], "nobody's camera is sent to the door"


@pytest.mark.alone
def test_chromium_and_firefox_hear_one_another(chromium, firefox, daemon, open_page):
    pages = [open_page(browser, daemon.url()) for browser in (chromium, firefox)]
    for page in pages:
        watch(page)
        talk(page)
    for page in pages:
        wait_for_members(page, 2)
        page.wait_for(HEARS_SOMEBODY, seconds=15)


@pytest.mark.alone
def test_an_answer_on_one_page_stops_the_others_in_under_300_ms(chromium, firefox, daemon, open_page):
    pages = [open_page(browser, daemon.url()) for browser in (chromium, chromium, firefox)]
    daemon.ring()
    for page in pages:
        page.wait_for(RING_IS_OPEN)
    for page in pages[1:]:
        page.evaluate(
            f"void new MutationObserver(() => {{ if (!{RING_IS_OPEN}) window.stoppedAt ??= Date.now(); }})"
            ".observe(document.querySelector('#ring'), { attributes: true })"
        )
    pages[0].evaluate("void document.querySelector('#accept').addEventListener('click', () => { window.answeredAt = Date.now(); })")
    pages[0].click("#accept")
    answered = pages[0].wait_for("window.answeredAt")
    delays = [page.wait_for("window.stoppedAt") - answered for page in pages[1:]]
    print(f"stopped after {delays} ms")
    assert max(delays) < 300
    assert pages[1].text("#visits").startswith("Answered by ")


# Coming back


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_a_page_that_is_reloaded_in_mid_call_has_it_back(name, request, chromium, daemon, open_page):
    browser = request.getfixturevalue(name)
    other, page = open_page(chromium, daemon.url()), open_page(browser, daemon.url())
    rename(page, "Kitchen")
    for one in (other, page):
        watch(one)
    talk(page)
    wait_for_members(other, 2)
    before = identifier(page)
    page.goto(daemon.url())
    page.wait_for_phase("live", seconds=15)
    page.wait_for("doorward.state.microphone.phase === 'on'")
    assert identifier(page) != before
    for one in (other, page):
        wait_for_members(one, 2)
    other.wait_for("doorward.state.members[1].name === 'Kitchen' && doorward.state.members[1].isTalking")
    status = daemon.wait_for_status(lambda status: status["calls"] == 2 and len(status["peers"]) == 2, seconds=3)
    assert status["pages"] == 2
    page.click("#hang-up")
    page.goto(daemon.url())
    page.wait_until_ready()
    pause(page, 500)
    assert page.evaluate("doorward.state.status.phase") == "idle", "a call that was hung up is not had back"


def test_a_page_that_is_closed_is_waited_for_and_then_gone(chromium, start_daemon, open_page):
    daemon = start_daemon(**{"calls.resume_ms": 2000})
    one, other = (open_page(chromium, daemon.url()) for _ in range(2))
    for page in (one, other):
        watch(page)
    wait_for_members(other, 2)
    one.goto("about:blank")
    other.wait_for("doorward.state.members[0].isAway", seconds=5)
    assert other.text("#members").find("connection lost") >= 0
    other.wait_for("doorward.state.members.length === 1", seconds=6)
    daemon.wait_for_status(lambda status: status["calls"] == 1, seconds=3)


# What was missed


def test_a_missed_ring_is_told_to_who_comes_later_until_somebody_has_seen_it(chromium, firefox, start_daemon, open_page):
    daemon = start_daemon(**{"calls.ring_timeout_ms": 1000})
    daemon.ring()
    daemon.wait_for_status(lambda status: not status["isRinging"], seconds=4)
    pages = [open_page(browser, daemon.url()) for browser in (chromium, firefox)]
    for page in pages:
        page.wait_for("document.querySelector('#missed').checkVisibility()")
        assert page.text("#missed-text").startswith("Somebody rang at ")
    pages[0].click("#dismiss-missed")
    for page in pages:
        page.wait_for("!document.querySelector('#missed').checkVisibility()")
    late = open_page(chromium, daemon.url())
    pause(late, 300)
    assert not late.is_visible("#missed")


# Chat and controls


def write(page: Any, text: str) -> None:
    page.evaluate(f"void (document.querySelector('#chat-text').value = {text!r})")
    page.click("#chat-form button")


@pytest.mark.alone
def test_chat_goes_to_all_or_to_one(three_pages):
    kitchen, study, hall = three_pages
    texts = "[...document.querySelectorAll('#chat p')].map((item) => item.textContent)"
    for page in three_pages:
        page.wait_for("document.querySelector('#chat-panel').checkVisibility()")
    write(kitchen, "Who is it?")
    for page in three_pages:
        page.wait_for(f"{texts}.includes('Who is it?')")
    kitchen.wait_for("doorward.state.conversation.messages[0].state === 'sent'")
    assert study.text("#chat").startswith("Kitchen")
    recipient = identifier(hall)
    kitchen.evaluate(f"void (document.querySelector('#chat-recipient').value = '{recipient}')")
    write(kitchen, "<b>Only</b> you")
    hall.wait_for(f"{texts}.includes('<b>Only</b> you')")
    assert "only to you" in hall.text("#chat")
    write(hall, "Thank you")
    study.wait_for(f"{texts}.includes('Thank you')")
    assert study.evaluate(texts) == ["Who is it?", "Thank you"]


def test_chat_passes_the_door_where_the_mesh_does_not_come_about(chromium, firefox, daemon, open_page):
    pages = [open_page(browser, daemon.url()) for browser in (chromium, firefox)]
    for page in pages:
        watch(page)
    wait_for_members(pages[0], 2)
    for page in pages:
        page.wait_for("doorward.state.conversation.isOpen")
        page.evaluate("void doorward.meshConnections.forEach((connection) => connection.close())")
    write(pages[1], "Still there?")
    pages[0].wait_for("document.querySelector('#chat p')?.textContent === 'Still there?'")


def test_the_picture_goes_into_a_small_window_and_back(chromium, daemon, open_page):
    page = open_page(chromium, daemon.url())
    watch(page)
    page.wait_for("document.querySelector('#small-window').checkVisibility()")
    assert page.text("#small-window") == "Small window"
    page.click("#small-window")
    page.wait_for("document.pictureInPictureElement === document.querySelector('#video')")
    page.wait_for("document.querySelector('#small-window').textContent === 'Back to the page'")
    page.click("#small-window")
    page.wait_for("!document.pictureInPictureElement")
    page.wait_for("document.querySelector('#small-window').textContent === 'Small window'")


def test_a_door_without_lock_and_light_offers_neither_and_refuses_both(browser, daemon, open_page):
    page = open_page(browser, daemon.url())
    watch(page)
    page.wait_for("doorward.state.conversation.isOpen")
    page.wait_for("document.querySelector('#snapshot').checkVisibility()")
    assert not page.is_visible("#unlock") and not page.is_visible("#light")
    for control in ("unlock", "light"):
        page.evaluate(f"void document.querySelector('#{control}').click()")
        page.wait_for("doorward.state.conversation.problem === 'not_configured'")
        assert page.text("#control-problem") == "The door has no such thing."
    assert "not_configured" in daemon.log


def test_the_doors_own_picture_comes_as_a_file_and_chat_goes_on_meanwhile(browser, daemon, open_page):
    page = open_page(browser, daemon.url())
    watch(page)
    page.wait_for("doorward.state.conversation.isOpen")
    files = page.evaluate(
        """Promise.all([1, 2, 3].map(() => doorward.state.conversation.snapshot())).then((files) => Promise.all(files.map(async (file) => {
            const picture = await createImageBitmap(file);
            return [file.type, picture.width, picture.height];
        })))"""
    )
    assert files == [["image/jpeg", 1280, 720]] * 3
    # and what the button saves is such a file; the browser's own part, the download, is left out
    page.evaluate("void (URL.createObjectURL = (file) => ((window.saved = file), 'data:,'), HTMLAnchorElement.prototype.click = () => {})")
    page.click("#snapshot")
    assert page.wait_for("window.saved && createImageBitmap(window.saved).then(({ width }) => width)") == 1280
