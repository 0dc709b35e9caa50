"""The daemon on vivid, snd-aloop and gpio-sim, seen, heard and rung by Chromium over the network."""

import statistics
import time

import tones
from conftest import VOICE_FREQUENCY

# vivid's first test pattern: eight bars of 75 % amplitude, from left to right.
BARS = {
    "white": (191, 191, 191),
    "yellow": (191, 191, 0),
    "cyan": (0, 191, 191),
    "green": (0, 191, 0),
    "magenta": (191, 0, 191),
    "red": (191, 0, 0),
    "blue": (0, 0, 191),
    "black": (0, 0, 0),
}

# The colours in the middle of each bar, well below the text that vivid writes over them.
BAR_COLOURS = """(() => {
    const video = document.querySelector("#video");
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    const row = Math.round(canvas.height * 0.85);
    return Array.from({ length: 8 }, (_, bar) => {
        const column = Math.round((bar + 0.5) * canvas.width / 8);
        return [...context.getImageData(column, row, 1, 1).data].slice(0, 3);
    });
})()"""

IS_YELLOW = "([red, green, blue]) => blue < 60 && red > 120 && green > 120"

# Notes what the page says of the camera, at every change.
WATCH_CAMERA = """(() => {
    window.cameras = [doorward.state.door.camera];
    setInterval(() => {
        const { camera } = doorward.state.door;
        if (camera !== cameras.at(-1)) cameras.push(camera);
    }, 10);
})()"""

# Listens to the door's sound; `window.loudest()` is the loudest frequency of the last 85 ms and its level in decibels.
LISTEN = """(async () => {
    const { track } = window.doorward.peerConnection.getReceivers().find((receiver) => receiver.track.kind === "audio");
    const context = new AudioContext({ sampleRate: 48000 });
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const levels = new Float32Array(analyser.frequencyBinCount);
    window.loudest = () => {
        analyser.getFloatFrequencyData(levels);
        const bin = levels.reduce((best, level, index) => (level > levels[best] ? index : best), 0);
        return { frequency: bin * context.sampleRate / analyser.fftSize, level: levels[bin] };
    };
})()"""

# Notes the moments, in milliseconds since the epoch, at which the ring's dialog opens.
WATCH_RING = """(() => {
    window.rings = [];
    const dialog = document.querySelector("#ring");
    new MutationObserver(() => {
        if (dialog.open) window.rings.push(performance.timeOrigin + performance.now());
    }).observe(dialog, { attributeFilter: ["open"] });
})()"""


def picture_rate(page, seconds):
    """The frames decoded a second, by the browser's own count and clock."""
    page.pause(2)
    before = page.inbound("video")
    page.pause(seconds)
    after = page.inbound("video")
    return (after["framesDecoded"] - before["framesDecoded"]) / (after["timestamp"] - before["timestamp"]) * 1000


def test_the_cameras_picture_arrives_at_the_cameras_rate_and_size(live_page):
    rate = picture_rate(live_page, 5)
    seen = live_page.inbound("video")
    print(f"{seen['frameWidth']}x{seen['frameHeight']} at {rate:.1f} frames a second;", live_page.evaluate("doorward.timeline"))
    assert (seen["frameWidth"], seen["frameHeight"]) == (640, 360)
    assert 29 <= rate <= 31


def test_the_picture_shows_vivids_colour_bars(live_page):
    colours = live_page.evaluate(BAR_COLOURS)
    for (name, expected), seen in zip(BARS.items(), colours, strict=True):
        assert all(abs(want - got) <= 40 for want, got in zip(expected, seen, strict=True)), f"{name}: {seen} in {colours}"


def test_what_the_microphone_hears_is_heard_in_the_page(live_page, guest):
    live_page.evaluate(LISTEN)
    live_page.pause(1)
    silence = live_page.evaluate("loudest()")

    # The loopback's two ends must agree on a format, and the daemon has chosen.
    chosen = dict(line.split(": ") for line in guest.read("/proc/asound/card0/pcm0c/sub0/hw_params").splitlines())
    channels, rate = int(chosen["channels"]), int(chosen["rate"].split()[0])
    assert chosen["format"] == "S16_LE"
    tones.write_wave(guest.share / "door.wav", 440, 12, channels=channels, rate=rate)
    player = guest.start("aplay -q -D hw:0,1 /lab-share/door.wav", log="aplay.log")
    try:
        heard = "[loudest()].find(({ frequency, level }) => Math.abs(frequency - 440) < 15 && level > -40)"
        print("heard", live_page.wait_for(heard), "after", silence)
    finally:
        guest.run(f"kill {player} || true")
    assert silence["level"] is None or silence["level"] < -60


def test_what_the_viewer_says_comes_out_of_the_speaker(live_page, guest):
    live_page.click("#talk")
    live_page.wait_for("doorward.state.microphone.phase === 'on'")
    live_page.pause(2)
    guest.run("arecord -q -D plughw:0,1 -f S16_LE -r 48000 -c 1 -d 3 /lab-share/speaker.wav")
    samples, rate = tones.read_wave(guest.share / "speaker.wav")
    level, share = tones.loudest_share(samples, rate, VOICE_FREQUENCY)
    print(f"{share:.0%} of the loudest moment is the viewer's tone, at {level:.3f} of full scale")
    assert level > 0.01
    assert share > 0.7


def test_a_press_of_the_button_rings_the_page_within_200_ms(page, button):
    page.evaluate(WATCH_RING)
    delays = []
    for count in range(1, 6):
        # The browser runs beside the test, by the same clock.
        pressed = time.time()
        button.press()
        page.wait_for(f"rings.length >= {count}")
        delays.append(page.evaluate("rings.at(-1)") - pressed * 1000)
        button.release()
        page.click("#decline")
        page.wait_for("doorward.state.ring === null")
    print("press to ring, ms:", ", ".join(f"{delay:.0f}" for delay in delays))
    assert statistics.median(delays) < 200


def test_the_chimes_line_is_active_while_it_rings(page, button, chime):
    assert not chime.is_active
    button.press()
    page.wait_for("document.querySelector('#ring').open")
    chime.wait_until(active=True)
    button.release()
    page.click("#decline")
    chime.wait_until(active=False)


def test_the_door_is_opened_for_a_while_and_lit_until_it_is_darkened(live_page, lock, light):
    live_page.wait_for("document.querySelector('#unlock').checkVisibility()")
    assert not lock.is_active and not light.is_active
    opened = time.monotonic()
    live_page.click("#unlock")
    lock.wait_until(active=True)
    live_page.wait_for("doorward.state.conversation.controls.lock === 'unlocked'")
    lock.wait_until(active=False)
    assert time.monotonic() - opened > 0.9
    live_page.wait_for("doorward.state.conversation.controls.lock === 'locked'")
    live_page.click("#light")
    light.wait_until(active=True)
    live_page.click("#light")
    light.wait_until(active=False)
    assert live_page.evaluate("doorward.state.conversation.problem") is None


def test_accepting_a_ring_shows_the_door(page, button):
    button.press()
    page.wait_for("document.querySelector('#ring').open")
    button.release()
    page.click("#accept")
    page.wait_for_phase("live")


def test_a_camera_that_fails_in_mid_call_is_opened_again(live_page, guest, daemon):
    call = live_page.evaluate("doorward.state.status.since")
    live_page.evaluate(WATCH_CAMERA)
    # Every open of the device fails from now on; once all have closed it, vivid lets it be opened again.
    guest.run(f"v4l2-ctl -d {guest.environment['LAB_CAMERA']} --set-ctrl=disconnect=1")
    live_page.wait_for("cameras.join().endsWith('test-card,live')")
    assert picture_rate(live_page, 3) > 29
    assert live_page.evaluate("doorward.state.status.since") == call, "not the same call all along"
    assert daemon.is_running, daemon.log


def test_while_the_camera_is_unplugged_the_same_call_shows_the_test_card(live_page, guest, daemon):
    call = live_page.evaluate("doorward.state.status.since")
    driver = "/sys/bus/platform/drivers/vivid"
    device = guest.run(f"cd {driver}; ls -d vivid.*").strip()
    guest.write(f"{driver}/unbind", device)
    try:
        live_page.wait_for("doorward.state.door.camera === 'test-card'")
        assert picture_rate(live_page, 3) > 29
        assert not live_page.evaluate(f"({IS_YELLOW})({BAR_COLOURS}[1])"), "vivid's picture without vivid"
    finally:
        guest.write(f"{driver}/bind", device)
    live_page.wait_for("doorward.state.door.camera === 'live'", 20)
    live_page.wait_for(f"({IS_YELLOW})({BAR_COLOURS}[1])")
    assert live_page.evaluate("doorward.state.status.since") == call, "not the same call all along"
    assert daemon.is_running, daemon.log


def test_the_daemon_ends_calls_and_itself_within_2_s_of_being_told_to(live_page, guest, daemon):
    guest.run(f"kill -TERM {daemon.process}")
    told = time.monotonic()
    live_page.wait_for_phase("ended")
    assert live_page.evaluate("doorward.state.status.reason.code") == "shutdown"
    while daemon.is_running:
        assert time.monotonic() - told < 2, daemon.log
        time.sleep(0.05)
