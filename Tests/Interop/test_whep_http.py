"""WHEP (draft-ietf-wish-whep) as a protocol on HTTP: what a player may send, and what it is answered."""

import re
import time
import urllib.parse

import pytest
from conftest import SLOWNESS
from exchange import offer, request

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
TRICKLE = (
    "a=ice-ufrag:frag\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n"
)
MAXIMUM_PLAYERS = 16


@pytest.fixture
def whep(daemon):
    return daemon.url(path="whep")


@pytest.fixture
def player(whep):
    """A player's resource and its entity tag."""
    status, headers, answer = request("POST", whep, offer(), SDP)
    assert status == 201, answer
    return urllib.parse.urljoin(whep, headers["Location"]), headers["ETag"]


def test_an_offer_is_answered_by_a_resource(daemon, whep):
    status, headers, answer = request("POST", whep, offer(), "Application/SDP; charset=utf-8")
    assert status == 201
    assert headers["Content-Type"] == SDP
    assert headers["Location"].startswith("/whep/")
    assert headers["ETag"].startswith('"')
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Location" in headers["Access-Control-Expose-Headers"]
    text = answer.decode()
    assert text.count("m=") == 2 and text.count("a=sendonly") == 2
    assert "H264/90000" in text and "opus/48000/2" in text
    assert daemon.status()["players"] == 1


def test_the_ice_servers_come_as_links(start_daemon):
    daemon = start_daemon(
        {
            "network.turn_servers": "turn:turn.invalid:3478",
            "network.turn_username": "door",
            "network.turn_credential": "secret",
        }
    )
    status, headers, _ = request("POST", daemon.url(path="whep"), offer(), SDP)
    assert status == 201
    assert headers["Link"] == (
        '<turn:turn.invalid:3478>; rel="ice-server"; username="door"; credential="secret"; credential-type="password"'
    )


def test_a_stun_server_that_is_out_of_reach_keeps_no_player_waiting(start_daemon):
    # as at home, with the Internet down
    daemon = start_daemon({"network.stun_fallback": "stun:10.77.0.99"})
    begun = time.monotonic()
    assert request("POST", daemon.url(path="whep"), offer(), SDP)[0] == 201
    assert time.monotonic() - begun < 1 * SLOWNESS


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/sdpx", None])
def test_what_is_not_said_to_be_an_offer_is_415(daemon, whep, content_type):
    # urllib gives a body a type of its own where there is none
    assert request("POST", whep, offer(), content_type)[0] == 415
    assert daemon.status()["players"] == 0


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not a description",
        "v=0\r\n",
        offer().replace("a=ice-ufrag:frag\r\n", ""),
        offer().replace("a=fingerprint", "a=nothing"),
        offer().replace("m=video 9", "m=video 99999999999"),
        offer().encode()[:300],
        bytes(range(256)),
        "v=0\r\n" * 5000,
        "\0" * 60_000,
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 1500,
    ],
    ids=["empty", "text", "short", "no-ice", "no-fingerprint", "port", "cut", "bytes", "long", "nul", "sections"],
)
def test_a_broken_offer_is_400_and_leaves_nothing(daemon, whep, body):
    status, _, reason = request("POST", whep, body, SDP)
    assert status == 400
    assert reason.strip()
    assert daemon.status()["players"] == 0
    assert daemon.status()["peers"] == []


@pytest.mark.parametrize(
    ("video", "audio", "direction"),
    [
        (("97 VP8/90000", None), ("0 PCMU/8000", None), "recvonly"),
        (("96 H264/90000", "96 packetization-mode=0;profile-level-id=42e01f"), ("0 PCMU/8000", None), "recvonly"),
        (("96 H264/90000", "96 packetization-mode=1;profile-level-id=42e01f"), ("111 opus/48000/2", None), "inactive"),
    ],
    ids=["other-codecs", "other-packetization", "inactive"],
)
def test_an_offer_that_the_door_cannot_serve_is_406_and_leaves_nothing(daemon, whep, video, audio, direction):
    status, _, reason = request("POST", whep, offer(video, audio, direction), SDP)
    assert status == 406, reason
    assert daemon.status()["peers"] == []


def test_a_player_of_sound_alone_is_served(whep):
    status, _, answer = request("POST", whep, offer(video=("97 VP8/90000", None)), SDP)
    assert status == 201
    assert b"m=video 0 " in answer and b"a=sendonly" in answer


def test_an_offer_larger_than_any_is_413(daemon, whep):
    assert request("POST", whep, offer() + "a=x:" + "y" * 70_000 + "\r\n", SDP)[0] == 413
    assert daemon.status()["players"] == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_405_and_told_which_there_are(whep, method):
    status, headers, _ = request(method, whep, "" if method in ("PUT", "PATCH") else None, SDP)
    assert status == 405
    assert headers["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_player_has_no_other_methods(player, method):
    status, headers, _ = request(method, player[0], None if method == "GET" else "", SDP)
    assert status == 405
    assert headers["Allow"] == "OPTIONS, PATCH, DELETE"


def test_the_preflight_of_any_page_is_allowed(whep, player):
    for url, methods in ((whep, "POST"), (player[0], "PATCH, DELETE")):
        status, headers, _ = request(
            "OPTIONS", url, Origin="https://player.example", Access_Control_Request_Method=methods.split(",")[0]
        )
        assert status == 204
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert methods in headers["Access-Control-Allow-Methods"]
        assert {"Content-Type", "If-Match"} <= set(headers["Access-Control-Allow-Headers"].split(", "))
    assert request("OPTIONS", whep)[1]["Accept-Post"] == SDP


def test_candidates_trickle(player):
    url, tag = player
    assert request("PATCH", url, TRICKLE, FRAGMENT, If_Match=tag)[0] == 204
    assert request("PATCH", url, TRICKLE, FRAGMENT)[0] == 204


def test_candidates_of_another_ice_session_are_412(player):
    assert request("PATCH", player[0], TRICKLE, FRAGMENT, If_Match='"another"')[0] == 412


def test_candidates_of_another_type_are_415(player):
    assert request("PATCH", player[0], TRICKLE, SDP)[0] == 415


@pytest.mark.parametrize(
    "body",
    [
        TRICKLE.replace("candidate:1 1 udp", "candidate:one two three"),
        TRICKLE.replace("a=mid:0", "a=mid:nothing"),
        "no fragment",
        bytes(range(256)),
    ],
    ids=["candidate", "mid", "text", "bytes"],
)
def test_broken_candidates_are_400_and_the_player_stays(daemon, player, body):
    assert request("PATCH", player[0], body, FRAGMENT)[0] == 400
    assert daemon.status()["players"] == 1
    assert request("PATCH", player[0], TRICKLE, FRAGMENT)[0] == 204


def test_deleting_a_player_ends_it_once(daemon, player):
    url, _ = player
    assert request("DELETE", url)[0] == 200
    assert request("DELETE", url)[0] == 404
    assert request("PATCH", url, TRICKLE, FRAGMENT)[0] == 404
    assert daemon.status()["peers"] == []


@pytest.mark.parametrize("path", ["whep/nobody", "whep/" + "x" * 2000, "whep/a/b", "nothing", "api", "api/other"])
def test_what_is_not_there_is_404(daemon, path):
    assert request("DELETE", daemon.url(path=path))[0] == 404


def test_prometheus_reads_what_was_counted(daemon, whep):
    assert request("POST", whep, offer(), SDP)[0] == 201
    status, headers, body = request("GET", daemon.url(path="metrics"))
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    types, samples = {}, {}
    for line in body.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            types[name] = kind
        elif not line.startswith("# HELP "):
            name, value = line.rsplit(" ", 1)
            family = re.sub(r"_(bucket|sum|count)$", "", name.split("{")[0])
            assert family in types or name.split("{")[0] in types, line
            samples[name] = float(value)
    assert set(types.values()) == {"counter", "gauge", "histogram"}
    assert all(name.endswith("_total") == (kind == "counter") for name, kind in types.items())
    assert samples['doorward_viewers{kind="whep"}'] == 1
    for packet in ("first", "last"):
        buckets = [
            value
            for name, value in samples.items()
            if name.startswith(f'doorward_frame_capture_to_send_seconds_bucket{{packet="{packet}"')
        ]
        assert buckets == sorted(buckets)
        assert buckets[-1] == samples[f'doorward_frame_capture_to_send_seconds_count{{packet="{packet}"}}']
    status, headers, _ = request("POST", daemon.url(path="metrics"), "")
    assert status == 405 and headers["Allow"] == "GET"


def test_too_many_players_are_503_until_one_leaves_and_keep_no_page_out(daemon, whep):
    players = [request("POST", whep, offer(), SDP) for _ in range(MAXIMUM_PLAYERS)]
    assert [status for status, _, _ in players] == [201] * MAXIMUM_PLAYERS
    assert len({headers["Location"] for _, headers, _ in players}) == MAXIMUM_PLAYERS
    status, headers, _ = request("POST", whep, offer(), SDP)
    assert status == 503
    assert int(headers["Retry-After"]) > 0
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert request("GET", daemon.url())[0] == 200
    assert request("DELETE", urllib.parse.urljoin(whep, players[3][1]["Location"]))[0] == 200
    assert request("POST", whep, offer(), SDP)[0] == 201
