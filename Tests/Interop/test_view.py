"""`doorward view`: the terminal viewer, against our daemon and against a server of aiortc's."""

import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest
from conftest import SLOWNESS
from daemon import BINARY
from whep_server import TOKEN, WHEPServer


def view(*arguments, **options):
    command = [BINARY, "view", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60 * SLOWNESS, **options)


def probe(file):
    """What ffprobe finds when it decodes all of a file: its one stream, and what it complains of."""
    command = ["ffprobe", "-v", "warning", "-count_frames", "-show_streams", "-show_format", "-of", "json", file]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    report = json.loads(result.stdout)
    (stream,) = report["streams"]
    return {**stream, "format": report["format"], "complaints": result.stderr}


@pytest.fixture
def server(tmp_path):
    server = WHEPServer(tmp_path)
    yield server
    server.stop()


def saves_what_it_sees(url, tmp_path, size, *arguments):
    video, audio = tmp_path / "door.h264", tmp_path / "door.opus"
    seconds = 4 * SLOWNESS
    result = view(url, "--duration", seconds, "--save-video", video, "--save-audio", audio, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    picture = probe(video)
    assert (picture["codec_name"], picture["width"], picture["height"]) == ("h264", *size)
    assert int(picture["nb_read_frames"]) > 15
    assert picture["complaints"] == ""
    sound = probe(audio)
    assert (sound["codec_name"], sound["channels"], sound["sample_rate"]) == ("opus", 2, "48000")
    assert sound["format"]["format_name"] == "ogg"
    assert sound["complaints"] == ""
    # connecting takes its part of the time
    assert seconds * 0.5 < float(sound["format"]["duration"]) < seconds + 1
    return result.stdout


def test_it_watches_our_daemon_and_saves_picture_and_sound(daemon, tmp_path):
    output = saves_what_it_sees(daemon.url(path="whep"), tmp_path, (320, 180))
    for words in ("ICE: checking", "connection: connected", "video: comes", "audio: comes"):
        assert f"{words}\n" in output
    last = output.splitlines()[-1]
    assert "TLS_ECDHE_ECDSA" in last and "SRTP_AEAD_AES_128_GCM" in last
    assert re.search(r"host \S+:\d+ to host \S+:\d+, round trip [\d.]+ ms", last), last
    assert re.search(r"H264 42e01f, \d+\.\d pictures/s, \d+ kbit/s, key frames \d+, lost 0 \(0\.0 %\)", last), last
    assert re.search(r"opus, \d+\.\d packets/s", last), last
    # it said good-bye
    assert daemon.status()["players"] == 0


def test_it_watches_another_server_over_https_with_a_token(tmp_path):
    server = WHEPServer(tmp_path, secure=True)
    try:
        saves_what_it_sees(server.url("secret"), tmp_path, (160, 120), "--insecure", "--token", TOKEN)
        assert server.requests == [(method, path, f"Bearer {TOKEN}") for method, path in (("POST", "/secret"), ("DELETE", "/sessions/1"))]
        result = view(server.url("whep"), "--duration", 1)
        assert result.returncode == 1, "a certificate that nobody vouches for is not taken unasked"
    finally:
        server.stop()


def test_it_follows_redirects_that_keep_a_call_a_call(server):
    result = view(server.url("redirect"), "--duration", 2 * SLOWNESS)
    assert result.returncode == 0, result.stderr
    assert [path for _, path, _ in server.requests] == ["/redirect", "/moved", "/whep", "/sessions/1"]


def test_a_token_is_not_for_a_server_that_another_one_names(server):
    result = view(server.url("elsewhere"), "--token", TOKEN)
    assert result.returncode == 1
    assert [token for _, path, token in server.requests if path == "/elsewhere"] == [f"Bearer {TOKEN}"]
    assert [token for _, path, token in server.requests if path == "/secret"] in ([], [None])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nothing", "the server has nothing at this address"),
        ("secret", "the server wants a token that it accepts (--token): who are you?"),
        ("loop", "the server redirects more than 5 times"),
        ("see-other", "the server redirects by 303, which does not keep a call a call"),
        ("busy", "the server has no room at present; it says to try again in 7 s: full house"),
        ("counter-offer", "the server would rather make the offer itself"),
        ("page", "this is no WHEP server: its answer is of the type “text/html”"),
        ("nonsense", "InvalidAccessError"),
        ("huge", "answers with too much"),
    ],
)
def test_a_call_that_is_not_taken_is_1_and_says_why(server, path, words):
    result = view(server.url(path))
    assert result.returncode == 1
    assert words in result.stderr


def test_a_counter_offer_is_given_back(server):
    view(server.url("counter-offer"))
    assert server.requests[-1][:2] == ("DELETE", "/sessions/unwanted")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/whep", "http://nowhere.invalid/whep", "gopher://door/", "door"])
def test_a_server_that_cannot_be_reached_is_1(url):
    result = view(url)
    assert result.returncode == 1
    assert result.stderr.startswith("doorward: ")


def test_a_file_that_cannot_be_written_is_4(daemon, tmp_path):
    result = view(daemon.url(path="whep"), "--save-video", tmp_path / "nowhere" / "door.h264")
    assert result.returncode == 4
    assert "nowhere/door.h264: No such file or directory" in result.stderr
    result = view(daemon.url(path="whep"), "--save-video", "/dev/full")
    assert result.returncode == 4
    assert "/dev/full: No space left on device" in result.stderr
    # it has said goodbye
    assert daemon.status()["players"] == 0


def test_on_a_terminal_the_figures_stay_in_place_and_an_interrupt_ends_it_politely(daemon):
    controller, terminal = pty.openpty()
    process = subprocess.Popen([BINARY, "view", daemon.url(path="whep")], stdout=terminal, stderr=subprocess.PIPE)
    os.close(terminal)
    try:
        shown = b""
        deadline = time.monotonic() + 20 * SLOWNESS
        while shown.count(b"\x1b[5A") < 2 and time.monotonic() < deadline:
            shown += os.read(controller, 4096)
        assert shown.count(b"\x1b[5A") >= 2, shown
        assert daemon.status()["players"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(10 * SLOWNESS) == 0, process.stderr.read()
        assert daemon.status()["players"] == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        os.close(controller)


def test_a_daemon_that_stops_ends_the_view(daemon):
    process = subprocess.Popen([BINARY, "view", daemon.url(path="whep")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    daemon.wait_for_status(lambda status: [peer["connectionState"] for peer in status["peers"]] == ["connected"], seconds=20 * SLOWNESS)
    daemon.stop()
    output, _ = process.communicate(timeout=20 * SLOWNESS)
    assert process.returncode == 0
    assert "the server ended the call\n" in output
