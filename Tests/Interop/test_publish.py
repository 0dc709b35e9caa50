"""WHIP: the door publishes its one encode to a media server that is not ours, and comes again whatever happens to it."""

import subprocess
import time

import pytest
from conftest import SLOWNESS
from coturn import PASSWORD, USERNAME, Coturn, url
from daemon import BINARY
from whip_server import TOKEN, WHIPServer

TIMEOUT = 30 * SLOWNESS


@pytest.fixture
def start_server():
    servers = []

    def start(**options):
        servers.append(WHIPServer(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def publish(start_daemon, server, path, **settings):
    return start_daemon({"publish.whip_url": server.url(path), **settings})


def wait_until(condition, daemon):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"not within {TIMEOUT} s\n{daemon.log}"
        time.sleep(0.02)


def wait_for_media(server, daemon, more=20):
    """Waits for so many pictures, and as much sound, beyond what came before."""
    before = dict(server.frames)
    wait_until(lambda: all(server.frames[kind] >= before[kind] + more for kind in before), daemon)


def test_picture_and_sound_reach_the_server_and_the_end_is_told(start_daemon, start_server):
    server = start_server()
    daemon = publish(start_daemon, server, "secret", **{"publish.whip_token": TOKEN})
    wait_for_media(server, daemon)
    assert server.sizes == {(320, 180)}
    sections = server.offers[0].split("\r\nm=")[1:]
    assert [section.split(" ")[0] for section in sections] == ["video", "audio"]
    assert all("\r\na=sendonly" in section for section in sections), "nothing is heard at the door"
    status = daemon.status()
    assert status["publication"] == "published"
    assert [peer["kind"] for peer in status["peers"]] == ["whip"]
    assert status["peers"][0]["availableVideoKbps"] > 0, "a bandwidth of its own"
    assert daemon.stop() < 5
    assert [request[1:] for request in server.requests] == [
        ("POST", "/secret", f"Bearer {TOKEN}"),
        ("DELETE", "/sessions/1", f"Bearer {TOKEN}"),
    ]


def test_who_watches_at_home_has_the_same_encode(start_daemon, start_server):
    server = start_server()
    daemon = publish(start_daemon, server, "whip")
    wait_for_media(server, daemon)
    viewer = subprocess.Popen([BINARY, "view", daemon.url(path="whep")], stdout=subprocess.DEVNULL)
    try:
        daemon.wait_for_status(lambda status: {peer["kind"] for peer in status["peers"]} == {"whip", "whep"}, seconds=TIMEOUT)
        wait_for_media(server, daemon)
        assert sum(encode["viewers"] for encode in daemon.status()["video"]["encodings"]) == 2, "no encode of its own"
    finally:
        viewer.terminate()
        viewer.wait(TIMEOUT)


def test_a_relay_that_the_server_names_is_used_and_its_address_trickled(start_daemon, start_server):
    with Coturn() as coturn:
        link = f'<{url("udp")}>; rel="ice-server"; username="{USERNAME}"; credential="{PASSWORD}"; credential-type="password"'
        server = start_server(links=[link])
        daemon = publish(start_daemon, server, "whip")
        wait_until(lambda: any(" typ relay" in fragment for fragment in server.fragments), daemon)
        assert "a=ice-ufrag:" in server.fragments[0] and "a=ice-pwd:" in server.fragments[0]
        wait_for_media(server, daemon)
        assert "ALLOCATE processed, success" in coturn.log


def test_a_redirect_is_followed(start_daemon, start_server):
    server = start_server()
    daemon = publish(start_daemon, server, "redirect")
    wait_for_media(server, daemon)
    assert [request[1:3] for request in server.requests] == [("POST", "/redirect"), ("POST", "/whip")]


def test_a_server_that_is_full_is_asked_again_when_it_says(start_daemon, start_server):
    server = start_server()
    daemon = publish(start_daemon, server, "busy")
    daemon.wait_for_log(r"warning  whip: the server has no room at present; it says to try again in 3 s: full house", seconds=TIMEOUT)
    wait_for_media(server, daemon)
    first, second = server.times("POST", "/busy")
    assert second - first >= 3


def test_a_server_that_refuses_is_asked_less_and_less_often(start_daemon, start_server):
    server = start_server()
    daemon = publish(start_daemon, server, "secret", **{"publish.whip_token": "wrong"})
    daemon.wait_for_log(r"whip: the server wants a token that it accepts \(publish\.whip_token\): who are you\?", seconds=TIMEOUT)
    wait_until(lambda: len(server.requests) == 3, daemon)
    first, second, third = server.times("POST", "/secret")
    assert second - first >= 1 and third - second >= 2
    assert daemon.status()["peers"] == [], "what is not taken is not kept"
    assert daemon.log.count("wrong") == 0, "a secret is not logged"


def test_a_server_that_vanishes_is_found_again(start_daemon, start_server):
    server = start_server()
    port = server.port
    daemon = publish(start_daemon, server, "whip")
    wait_for_media(server, daemon)
    server.stop()
    daemon.wait_for_log(r"whip: over after .+", seconds=TIMEOUT)
    daemon.wait_for_log(r"warning  whip: .*127\.0\.0\.1.*", seconds=TIMEOUT)
    assert daemon.status()["publication"] in ("waiting", "offering")
    server = start_server(port=port)
    wait_for_media(server, daemon)
    assert daemon.status()["publication"] == "published"


def test_a_server_that_ends_it_is_asked_again(start_daemon, start_server):
    server = start_server()
    daemon = publish(start_daemon, server, "whip")
    wait_for_media(server, daemon)
    server.close_connections()
    daemon.wait_for_log(r"whip: over after .+", seconds=TIMEOUT)
    wait_for_media(server, daemon)
    assert len(server.offers) == 2
    assert server.times("DELETE", "/sessions/1"), "what is over is given back"
