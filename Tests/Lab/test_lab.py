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

INBOUND_VIDEO = """async () => {
    for (const report of (await window.doorward.peerConnection.getStats()).values()) {
        if (report.type === "inbound-rtp" && report.kind === "video") {
            return { frames: report.framesDecoded, width: report.frameWidth, height: report.frameHeight, at: report.timestamp };
        }
    }
    return null;
}"""

# The colours in the middle of each bar, well below the text that vivid writes over them.
BAR_COLOURS = """(count) => {
    const video = document.querySelector("#video");
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    const row = Math.round(canvas.height * 0.85);
    return Array.from({ length: count }, (_, bar) => {
        const column = Math.round((bar + 0.5) * canvas.width / count);
        return [...context.getImageData(column, row, 1, 1).data].slice(0, 3);
    });
}"""

# Listens to the door's sound; `window.loudest()` is the loudest frequency of the last 85 ms and its level in decibels.
LISTEN = """async () => {
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
}"""

# Notes the moments, in milliseconds since the epoch, at which the ring's dialog opens.
WATCH_RING = """() => {
    window.rings = [];
    const dialog = document.querySelector("#ring");
    new MutationObserver(() => {
        if (dialog.open) window.rings.push(performance.timeOrigin + performance.now());
    }).observe(dialog, { attributeFilter: ["open"] });
}"""

BUTTON = "sim_gpio3/pull"
CHIME = "sim_gpio4/value"
# gpio-sim's pull is what the world outside does to the line: the button connects it to ground.
PRESSED, RELEASED = "pull-down", "pull-up"


def test_the_cameras_picture_arrives_at_the_cameras_rate_and_size(live_page):
    live_page.wait_for_timeout(2_000)
    before = live_page.evaluate(INBOUND_VIDEO)
    live_page.wait_for_timeout(5_000)
    after = live_page.evaluate(INBOUND_VIDEO)
    rate = (after["frames"] - before["frames"]) / (after["at"] - before["at"]) * 1000
    print(f"{after['width']}x{after['height']} at {rate:.1f} frames a second")
    assert (after["width"], after["height"]) == (640, 360)
    assert 29 <= rate <= 31


def test_the_picture_shows_vivids_colour_bars(live_page):
    colours = live_page.evaluate(BAR_COLOURS, len(BARS))
    for (name, expected), seen in zip(BARS.items(), colours, strict=True):
        assert all(abs(want - got) <= 40 for want, got in zip(expected, seen, strict=True)), f"{name}: {seen} in {colours}"


def test_what_the_microphone_hears_is_heard_in_the_page(live_page, guest):
    live_page.evaluate(LISTEN)
    live_page.wait_for_timeout(1_000)
    silence = live_page.evaluate("window.loudest()")

    # The loopback's two ends must agree on a format, and the daemon has chosen.
    chosen = dict(line.split(": ") for line in guest.read("/proc/asound/card0/pcm0c/sub0/hw_params").splitlines())
    channels, rate = int(chosen["channels"]), int(chosen["rate"].split()[0])
    tones.write_wave(guest.share / "door.wav", 440, 12, channels=channels, rate=rate)
    player = guest.start(f"aplay -q -D hw:0,1 -f {chosen['format']} /lab-share/door.wav", log="aplay.log")
    try:
        live_page.wait_for_function(
            "(() => { const { frequency, level } = window.loudest(); return Math.abs(frequency - 440) < 15 && level > -40; })()"
        )
        print("heard", live_page.evaluate("window.loudest()"), "after", silence)
    finally:
        guest.run(f"kill {player} || true")
    assert silence["level"] < -60 or abs(silence["frequency"] - 440) > 100


def test_what_the_viewer_says_comes_out_of_the_speaker(live_page, guest):
    live_page.click("#talk")
    live_page.wait_for_function("window.doorward.state.microphone.phase === 'on'")
    live_page.wait_for_timeout(2_000)
    guest.run("arecord -q -D plughw:0,1 -f S16_LE -r 48000 -c 1 -d 3 /lab-share/speaker.wav")
    samples, rate = tones.read_wave(guest.share / "speaker.wav")
    level, share = tones.loudest_share(samples, rate, VOICE_FREQUENCY)
    print(f"{share:.0%} of the loudest moment is the viewer's tone, at {level:.3f} of full scale")
    assert level > 0.01
    assert share > 0.7


def test_a_press_of_the_button_rings_the_page_within_200_ms(page, guest):
    button = f"{guest.environment['LAB_GPIOSYS']}/{BUTTON}"
    page.evaluate(WATCH_RING)
    delays = []
    for count in range(1, 6):
        pressed = time.time()
        guest.write(button, PRESSED)
        page.wait_for_function("(count) => window.rings.length >= count", arg=count)
        delays.append(page.evaluate("window.rings.at(-1)") - pressed * 1000)
        guest.write(button, RELEASED)
        page.click("#decline")
        page.wait_for_function("window.doorward.state.ring === null")
    print("press to ring, ms:", ", ".join(f"{delay:.0f}" for delay in delays))
    assert statistics.median(delays) < 200


def wait_for_chime(guest, value):
    give_up = time.monotonic() + 5
    path = f"{guest.environment['LAB_GPIOSYS']}/{CHIME}"
    while (seen := guest.read(path).strip()) != value:
        assert time.monotonic() < give_up, f"the chime's line is {seen}, not {value}"
        time.sleep(0.05)


def test_the_chimes_line_is_active_while_it_rings(page, guest):
    wait_for_chime(guest, "0")
    guest.write(f"{guest.environment['LAB_GPIOSYS']}/{BUTTON}", PRESSED)
    page.wait_for_selector("#ring[open]")
    wait_for_chime(guest, "1")
    guest.write(f"{guest.environment['LAB_GPIOSYS']}/{BUTTON}", RELEASED)
    page.click("#decline")
    wait_for_chime(guest, "0")


def test_accepting_a_ring_shows_the_door(page, guest):
    button = f"{guest.environment['LAB_GPIOSYS']}/{BUTTON}"
    guest.write(button, PRESSED)
    page.wait_for_selector("#ring[open]")
    guest.write(button, RELEASED)
    page.click("#accept")
    page.wait_for_function("window.doorward.state.status.phase === 'live'")


def test_a_camera_that_is_unplugged_in_mid_call_ends_nothing(live_page, guest, daemon):
    camera = guest.environment["LAB_CAMERA"]
    call = live_page.evaluate("window.doorward.state.status.since")
    guest.run(f"v4l2-ctl -d {camera} --set-ctrl=disconnect=1")
    live_page.wait_for_function("window.doorward.state.door.camera === 'test-card'")
    # The test card takes the camera's place in the same call.
    frames = live_page.evaluate(INBOUND_VIDEO)["frames"]
    live_page.wait_for_timeout(2_000)
    assert live_page.evaluate(INBOUND_VIDEO)["frames"] > frames + 20
    assert daemon.is_running, daemon.log

    # Plugged in again, it is the door's picture again.
    guest.run("echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind; echo vivid.0 > /sys/bus/platform/drivers/vivid/bind")
    live_page.wait_for_function("window.doorward.state.door.camera === 'live'")
    live_page.wait_for_timeout(2_000)
    colours = live_page.evaluate(BAR_COLOURS, len(BARS))
    assert colours[1][2] < 60 < colours[1][0], f"no yellow bar in {colours}"
    assert live_page.evaluate("window.doorward.state.status.since") == call, "the call was not the same all along"
    assert daemon.is_running, daemon.log


def test_the_daemon_ends_calls_and_itself_within_2_s_of_being_told_to(live_page, guest, daemon):
    guest.run(f"kill -TERM {daemon.process}")
    told = time.monotonic()
    live_page.wait_for_function("window.doorward.state.status.phase === 'ended'")
    assert live_page.evaluate("window.doorward.state.status.reason.code") == "shutdown"
    while daemon.is_running:
        assert time.monotonic() - told < 2, daemon.log
        time.sleep(0.05)
