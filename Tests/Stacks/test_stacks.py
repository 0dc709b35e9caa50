"""Our peer against Chromium, Firefox, aiortc and GStreamer, each as offerer and as answerer, in both DTLS roles.

All checks of one combination are made in one call, in this order.
"""

from __future__ import annotations

import pytest

from call import OUR_FIRST_SIZE, OUR_SECOND_SIZE, sections
from lines import Refusal
from stack import FIRST_SIZE, SECOND_SIZE, TONE, Lacking

#: How far from the tone a spectrum's peak or a count of zero crossings may be, in hertz.
TOLERANCE = 15


def is_tone(received):
    return received.level > 0.0001 and (received.frequency is None or abs(received.frequency - TONE) < TOLERANCE)


@pytest.mark.cell("connect")
def test_a_call_connects_in_the_dtls_role_that_was_agreed_on(fresh_call):
    fresh_call.connect()
    assert fresh_call.peer.state()["dtlsRole"] == fresh_call.role


@pytest.mark.cell("picture to us")
def test_their_picture_is_decoded(call):
    call.wait_for_theirs(call.first_mid, FIRST_SIZE)


@pytest.mark.cell("sound to us")
def test_their_tone_is_heard(call):
    call.wait_until(lambda: is_tone(call.peer.recorded()), call.peer.recorded)
    assert call.peer.recorded().frequency, "ours is measured"


@pytest.mark.cell("picture to them")
def test_they_decode_our_picture(call):
    call.wait_for_ours(call.first_mid, OUR_FIRST_SIZE)


@pytest.mark.cell("sound to them")
def test_they_hear_our_tone(call):
    call.wait_until(lambda: is_tone(call.stack.received()), call.stack.received)


#: What a channel must carry as it is.
MESSAGES = ["ring, ring: käme jemand? 🔔", b"\x00\x01\xfe\xff"]
EMPTY = ["", b""]
BIG = bytes(index * 31 % 251 for index in range(200_000))


@pytest.mark.cell("data to us")
def test_messages_come_to_us_on_a_channel_of_theirs(call):
    call.stack.create_channel("theirs")
    comes_to_us(call, "theirs", MESSAGES)


@pytest.mark.cell("data to them")
def test_messages_come_to_them_on_a_channel_of_ours(call):
    call.peer.create_channel("ours")
    comes_to_them(call, "ours", MESSAGES)


@pytest.mark.cell("empty to us")
def test_empty_messages_come_to_us(call):
    if reason := call.stack.why_no_empty_messages:
        raise Lacking(reason)
    call.stack.create_channel("their empty")
    comes_to_us(call, "their empty", EMPTY)


@pytest.mark.cell("empty to them")
def test_empty_messages_come_to_them(call):
    call.peer.create_channel("our empty")
    comes_to_them(call, "our empty", EMPTY)


def comes_to_us(call, label, messages):
    for message in messages:
        call.stack.send(label, message)
    call.wait_until(lambda: len(call.peer.messages(label)) >= len(messages), lambda: call.peer.messages(label))
    assert call.peer.messages(label) == messages


def comes_to_them(call, label, messages):
    for message in messages:
        call.peer.send(label, message)
    call.wait_until(lambda: len(call.stack.messages(label)) >= len(messages), lambda: call.stack.messages(label))
    assert call.stack.messages(label) == messages


@pytest.mark.cell("200 kB to us")
def test_a_message_of_200_kilobytes_comes_to_us(call):
    if (limit := call.stack.longest_message) is not None:
        comes_to_us(call, "first", [BIG[:limit]])
        raise Lacking(f"{call.stack.name} sends messages of {limit} bytes at most, which came")
    comes_to_us(call, "first", [BIG])


@pytest.mark.cell("200 kB to them")
def test_a_message_of_200_kilobytes_comes_to_them(call):
    limit = call.their_maximum_message_size
    if limit < len(BIG):
        # RFC 8841 §6.1: and no longer one must be sent
        with pytest.raises(Refusal):
            call.peer.send("first", BIG)
        comes_to_them(call, "first", [BIG[:limit]])
        raise Lacking(f"{call.stack.name} takes messages of {limit} bytes at most by its description, which came")
    comes_to_them(call, "first", [BIG])


@pytest.mark.cell("ICE restart, us")
def test_ice_restarts_when_we_ask_for_it(call):
    call.peer.restart_ice()
    restarts(call, we_offer=True)


@pytest.mark.cell("ICE restart, them")
def test_ice_restarts_when_they_ask_for_it(call):
    call.stack.restart_ice()
    restarts(call, we_offer=False)


@pytest.mark.cell("late restart, them")
def test_ice_restarts_when_their_offer_comes_late(call):
    call.stack.restart_ice()
    restarts(call, we_offer=False, is_late=True)


def restarts(call, *, we_offer, is_late=False):
    before = fragments(call.offer) | fragments(call.answer)
    offer, answer = call.exchange(we_offer=we_offer, is_late=is_late)
    assert not fragments(offer) & before, "the offer restarts ICE"
    if fragments(answer) & before:
        assert we_offer, "our answer to a restart has new credentials"
        raise Lacking(f"{call.stack.name} answers an ICE restart with the credentials it had")
    ours = fragments(offer if we_offer else answer)
    call.wait_until(
        lambda: set(call.peer.state()["usernameFragments"]) == ours and call.peer.state()["connectionState"] == "connected",
        call.peer.state,
    )
    call.wait_for_media_both_ways()


def fragments(description):
    return {section.fragment for section in sections(description)} - {""}


@pytest.mark.cell("add, them")
def test_a_second_picture_of_theirs_is_added(call):
    before = {section.mid for section in sections(call.offer) if section.direction in ("sendrecv", "sendonly")}
    call.stack.add_video()
    offer, _ = call.exchange(we_offer=False)
    [call.their_second_mid] = {section.mid for section in sections(offer) if section.direction in ("sendrecv", "sendonly")} - before
    call.wait_for_theirs(call.their_second_mid, SECOND_SIZE)
    assert call.peer.media(call.their_second_mid)["isActive"]
    call.wait_for_media_both_ways()


@pytest.mark.cell("remove, them")
def test_the_second_picture_of_theirs_is_removed(call):
    assert call.their_second_mid, "it was not added"
    call.stack.remove_video()
    call.exchange(we_offer=False)
    assert not call.peer.media(call.their_second_mid)["isActive"]
    assert call.stops(
        lambda: call.peer.media(call.their_second_mid)["pictures"], lambda: call.wait_for_theirs(call.first_mid, FIRST_SIZE)
    )
    call.wait_for_ours(call.first_mid, OUR_FIRST_SIZE)


@pytest.mark.cell("add, us")
def test_a_second_picture_of_ours_is_added(call):
    call.our_second = call.peer.add_video(OUR_SECOND_SIZE)
    before = {section.mid for section in sections(call.offer)}
    offer, _ = call.exchange(we_offer=True)
    [call.our_second_mid] = {section.mid for section in sections(offer)} - before
    call.wait_for_ours(call.our_second_mid, OUR_SECOND_SIZE)
    call.wait_for_media_both_ways()


@pytest.mark.cell("remove, us")
def test_the_second_picture_of_ours_is_removed(call):
    assert call.our_second_mid, "it was not added"
    call.peer.remove_track(call.our_second)
    offer, answer = call.exchange(we_offer=True)
    assert {section.direction for section in sections(offer) if section.mid == call.our_second_mid} <= {"recvonly", "inactive"}
    assert {section.direction for section in sections(answer) if section.mid == call.our_second_mid} <= {"sendonly", "inactive"}
    assert call.stops(lambda: call.frames(call.our_second_mid), lambda: call.wait_for_ours(call.first_mid, OUR_FIRST_SIZE))
    call.wait_for_their_media()
