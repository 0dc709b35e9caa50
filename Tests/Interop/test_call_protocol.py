"""The call protocol by raw messages: every refusal, every abuse, and the daemon that goes on (Sources/Calls/PROTOCOL.md)."""

import contextlib
import json

import pytest
from exchange import answer, offer, offer_after
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

MAXIMUM_CALLS = 16


@pytest.fixture
def page(open_page):
    return open_page()


NO_MESSAGES = {
    "empty": "",
    "text": "hello",
    "number": "5",
    "null": "null",
    "array": "[]",
    "half": '{"type":"presence"',
    "two": '{"type":"presence","name":"A"}{"type":"presence","name":"B"}',
    "no type": "{}",
    "type of another type": '{"type":5}',
    "unknown type": '{"type":"dance"}',
    "another case": '{"Type":"presence","name":"A"}',
    "a message of the door": '{"type":"welcome"}',
    "presence without a name": '{"type":"presence"}',
    "presence without a string": '{"type":"presence","name":["A"]}',
    "presence of spaces": '{"type":"presence","name":"  "}',
    "presence too long": json.dumps({"type": "presence", "name": "x" * 65}),
    "presence with a line break": json.dumps({"type": "presence", "name": "Eve\n2026-01-01 camera: gone"}),
    "presence with an escape": json.dumps({"type": "presence", "name": "Eve\x1b[2J"}),
    "initiate without a recipient": '{"type":"call-initiate"}',
    "accept without a call": '{"type":"call-accept"}',
    "hangup of a number": '{"type":"call-hangup","call":7}',
    "hangup of nothing": '{"type":"call-hangup","call":""}',
    "hangup too long": json.dumps({"type": "call-hangup", "call": "x" * 65}),
    "offer without a description": '{"type":"call-offer","call":"c"}',
    "offer of a string": '{"type":"call-offer","call":"c","description":"v=0"}',
    "offer that is an answer": '{"type":"call-offer","call":"c","description":{"type":"answer","sdp":""}}',
    "answer that is an offer": '{"type":"call-answer","call":"c","description":{"type":"offer","sdp":""}}',
    "offer of a type unheard of": '{"type":"call-offer","call":"c","description":{"type":"wish","sdp":""}}',
    "candidate missing": '{"type":"call-ice-candidate","call":"c"}',
    "candidate of nowhere": '{"type":"call-ice-candidate","call":"c","candidate":{"candidate":"candidate:1"}}',
    "candidate of an index too large": '{"type":"call-ice-candidate","call":"c","candidate":{"candidate":"x","sdpMLineIndex":1e99}}',
    "candidate too long": json.dumps(
        {"type": "call-ice-candidate", "call": "c", "candidate": {"candidate": "x" * 2049, "sdpMid": "0"}}
    ),
    "deep": '{"type":' + "[" * 30_000,
    "deep and whole": '{"type":"presence","name":' + "[" * 1000 + "]" * 1000 + "}",
    "surrogate": '{"type":"presence","name":"\\ud800"}',
    "many": '{"type":"presence",' + ",".join(f'"f{number}":{number}' for number in range(4000)) + "}",
}


@pytest.mark.parametrize("message", NO_MESSAGES.values(), ids=NO_MESSAGES.keys())
def test_what_is_no_message_is_bad_and_the_socket_stays_open(page, message):
    page.send_raw(message)
    error = page.error()
    assert error["code"] == "bad_message"
    assert error["message"]
    page.send("presence", name="Still here")
    while page.id not in {one["id"] for one in page.next("presence")["participants"] if one["name"] == "Still here"}:
        pass


def test_fields_that_nobody_knows_are_passed_over(page):
    page.send("call-initiate", recipient="door", colour="green", more={"of": ["it"]})
    assert page.next("call-accepted", "call-error")["type"] == "call-accepted"


def test_calls_that_are_not_ones_own_are_unknown(open_page):
    page, other = open_page(), open_page()
    call = other.call()
    sdp = {"sdp": offer(direction="sendrecv")}
    for name in ("nothing", call):
        page.send("call-hangup", call=name)
        page.send("call-accept", call=name)
        page.send("call-reject", call=name)
        page.send("call-offer", call=name, description={"type": "offer", **sdp})
        page.send("call-answer", call=name, description={"type": "answer", **sdp})
        for type in ("call-hangup", "call-accept", "call-reject", "call-offer", "call-answer"):
            error = page.error()
            assert (error["code"], error["call"], error["inReplyTo"]) == ("unknown_call", name, type)
    # a candidate may cross with the end of its call: the next error is another's
    page.send("call-ice-candidate", call="nothing", candidate=None)
    page.send("call-hangup", call="last")
    assert page.error()["call"] == "last"
    other.send("call-hangup", call=call)
    assert other.next("call-hangup")["reason"] == "hangup"


def test_who_is_not_there_cannot_be_called(page):
    page.send("call-initiate", recipient="0" * 32)
    error = page.error()
    assert (error["code"], error["inReplyTo"]) == ("recipient_offline", "call-initiate")


def test_only_the_door_is_called_and_only_once(open_page):
    page, other = open_page(), open_page()
    for recipient in (page.id, other.id):
        page.send("call-initiate", recipient=recipient)
        assert page.error()["code"] == "not_allowed"
    call = page.call()
    page.send("call-initiate", recipient="door")
    error = page.error()
    assert (error["code"], error["call"]) == ("not_allowed", call)


def test_the_second_to_answer_a_ring_is_told(daemon, open_page):
    first, second = open_page(), open_page()
    daemon.ring()
    ring = first.next("call-incoming")["call"]
    assert second.next("call-incoming")["call"] == ring
    first.send("call-accept", call=ring)
    assert second.next("call-accepted")["by"]["id"] == first.id
    second.send("call-accept", call=ring)
    error = second.error()
    assert (error["code"], error["call"]) == ("already_answered", ring)


def test_one_call_too_many_is_busy_until_another_ends(daemon, open_page):
    pages = [open_page() for _ in range(MAXIMUM_CALLS + 1)]
    calls = [page.call() for page in pages[:-1]]
    pages[-1].send("call-initiate", recipient="door")
    assert pages[-1].error()["code"] == "busy"
    assert daemon.status()["calls"] == MAXIMUM_CALLS
    pages[0].send("call-hangup", call=calls[0])
    pages[0].next("call-hangup")
    pages[-1].call()


GARBAGE = {
    "empty": "",
    "text": "garbage",
    "lines": "v=0\r\n" * 3000,
    "no ice": offer().replace("a=ice-ufrag:frag\r\n", ""),
    "no fingerprint": offer().replace("a=fingerprint", "a=nothing"),
    "cut": offer()[:250],
    "nul": "\0" * 5000,
    "many sections": offer() + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 500,
    "large numbers": offer().replace("m=video 9", f"m=video {'9' * 400}"),
}


@pytest.mark.parametrize("sdp", GARBAGE.values(), ids=GARBAGE.keys())
def test_an_offer_that_cannot_be_used_fails_and_the_call_goes_on(daemon, page, sdp):
    call = page.call()
    page.offer(call, sdp)
    error = page.error()
    assert (error["code"], error["call"]) == ("negotiation_failed", call)
    assert error["message"]
    # the door, which has something to show, then offers it by itself
    theirs = page.next("call-offer")["description"]["sdp"]
    assert "H264/90000" in theirs
    page.send("call-answer", call=call, description={"type": "answer", "sdp": answer(theirs)})
    page.offer(call, offer_after(theirs))
    assert page.next("call-answer", "call-error")["type"] == "call-answer"
    assert [peer["kind"] for peer in daemon.status()["peers"]] == ["call"]


def test_an_answer_to_no_offer_and_broken_candidates_fail_and_the_call_goes_on(page):
    call = page.call()
    page.send("call-answer", call=call, description={"type": "answer", "sdp": offer(direction="sendrecv")})
    assert page.error()["code"] == "negotiation_failed"
    page.offer(call, offer(direction="sendrecv"))
    page.next("call-answer")
    for candidate in (
        {"candidate": "garbage", "sdpMid": "0"},
        {"candidate": "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", "sdpMid": "nothing"},
        {"candidate": "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", "sdpMLineIndex": 99},
        {"candidate": "candidate:1 1 udp 99999999999999999999 127.0.0.1 99999 typ host", "sdpMid": "0"},
    ):
        page.send("call-ice-candidate", call=call, candidate=candidate)
        error = page.error()
        assert (error["code"], error["call"]) == ("negotiation_failed", call)
    page.send("call-ice-candidate", call=call, candidate=None)
    page.send("call-hangup", call=call)
    assert page.next("call-error", "call-hangup")["type"] == "call-hangup"


def test_a_broken_candidate_that_comes_early_spoils_no_offer(page):
    call = page.call()
    page.send("call-ice-candidate", call=call, candidate={"candidate": "garbage", "sdpMid": "0"})
    page.offer(call, offer(direction="sendrecv"))
    assert page.next("call-answer")["call"] == call


def test_a_hundred_offers_in_one_call_are_each_answered(daemon, page):
    call = page.call()
    for _ in range(100):
        page.offer(call, offer(direction="sendrecv"))
        page.next("call-answer")
    assert len(daemon.status()["peers"]) == 1


def test_a_message_as_large_as_allowed_is_read(page):
    padding = 65_536 - len(json.dumps({"type": "call-hangup", "call": "c", "x": ""}))
    page.send("call-hangup", call="c", x="y" * padding)
    assert page.error()["code"] == "unknown_call"


def test_a_message_larger_than_allowed_closes_the_socket_alone(daemon, open_page):
    page, other = open_page(), open_page()
    page.send_raw('"' + "x" * 65_536 + '"')
    assert page.closed()[0] == 1009
    other.call()
    assert daemon.status()["pages"] == 1


def test_a_message_too_large_in_fragments_is_too_large(page):
    with contextlib.suppress(ConnectionClosed):
        page.send_raw(["x" * 40_000, "y" * 40_000])
    assert page.closed()[0] == 1009


def test_a_binary_message_closes_the_socket(page):
    page.send_raw(b"\0\1\2")
    assert page.closed()[0] == 1003


def test_what_is_not_utf_8_closes_the_socket(page):
    page.send_raw(b'{"type":"\xff\xfe"}', text=True)
    assert page.closed()[0] == 1007


def test_flooding_closes_the_socket_and_ends_the_call(daemon, open_page):
    page, other = open_page(), open_page()
    page.call()
    with contextlib.suppress(ConnectionClosed):
        for _ in range(2000):
            page.send_raw("nonsense")
    code, reason = page.closed()
    assert (code, reason) == (1008, "too many messages")
    daemon.wait_for_status(lambda status: status["pages"] == 1 and not status["peers"], seconds=5)
    other.call()


def test_a_page_that_goes_takes_its_call_with_it(daemon, open_page):
    page = open_page()
    page.call()
    assert len(daemon.status()["peers"]) == 1
    page.close()
    daemon.wait_for_status(lambda status: not status["pages"] and not status["peers"], seconds=5)


def test_a_page_of_another_site_gets_no_socket(daemon):
    with pytest.raises(InvalidStatus, match="403"):
        with connect(f"ws://127.0.0.1:{daemon.port}/ws", origin="https://evil.example"):
            pass
