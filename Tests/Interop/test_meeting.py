"""From outside the house: by way of a real broker (Mosquitto), with a page and a Noise that are not ours."""

import contextlib
import json
import time

import pytest
from conftest import SLOWNESS
from daemon import Daemon
from mosquitto import MASTER, Mosquitto
from outsider import TIMEOUT, Broker, Outsider, base64url, from_base64url, new_key, public
from test_household import Visitor

SOON = 5 * SLOWNESS


@pytest.fixture(scope="module")
def broker():
    with Mosquitto() as broker:
        yield broker


@pytest.fixture
def start_door(start_daemon, broker):
    """A door that is connected to the broker, and its owner."""

    def start(**settings):
        daemon = start_daemon({"web.authentication": "household", **broker.settings(), **settings})
        daemon.wait_for_log("connected to the meeting point")
        return daemon, Visitor(daemon).pair()

    return start


@pytest.fixture
def connect(broker):
    """`connect(meeting)`: a client of the broker, as pages are."""
    with contextlib.ExitStack() as stack:

        def connect(meeting, account=None):
            client = Broker(meeting, broker.authority, account)
            stack.callback(client.close)
            return client

        yield connect


def enrol(visitor, key):
    status, meeting = visitor.ask("PUT", "api/meeting", {"key": public(key)})
    assert status == 200, meeting
    return meeting


def meeting_status(owner):
    return owner.ask("GET", "api/status")[1]["meeting"]


def wait_for_pages(owner, count):
    deadline = time.monotonic() + TIMEOUT
    while (status := meeting_status(owner))["pages"] != count:
        assert time.monotonic() < deadline, status
        time.sleep(0.02)
    return status


def test_a_page_that_was_at_home_once_calls_from_outside(start_door, connect, broker):
    daemon, owner = start_door()
    assert owner.ask("GET", "api/me")[1]["meeting"] is True
    key = new_key()
    meeting = enrol(owner, key)
    assert meeting["broker"] == {"url": broker.page_url, "username": "pages", "password": "knock knock"}
    client = connect(meeting)
    client.subscribe(state := f"doorward/{meeting['door']}/state")
    assert client.next(state).startswith(b"online ")

    page = Outsider(client, meeting, key).open()
    assert page.welcome["door"]["name"] == meeting["name"]
    page.send("presence", name="Somebody else")
    while "Anna" not in (seen := [one["name"] for one in page.next("presence")["participants"]]):
        assert "Somebody else" not in seen
    page.send("call-initiate", recipient="door")
    answer = page.next("call-accepted", "call-error")
    assert answer["type"] == "call-accepted"
    daemon.ask("ring")
    assert wait_for_pages(owner, 1)["state"] == "connected"

    # beside one at home
    home = owner.open_page()
    while page.welcome["id"] not in [one["id"] for one in home.next("presence")["participants"]]:
        pass
    while home.id not in [one["id"] for one in page.next("presence")["participants"]]:
        pass
    home.close()

    page.send("nonsense")
    assert page.next("call-error")["code"] == "bad_message"
    page.say(b"")
    wait_for_pages(owner, 0)
    daemon.stop()
    assert client.next(state) == b"offline"


def test_nobody_comes_in_whom_the_household_does_not_know(start_door, connect):
    _, owner = start_door()
    key = new_key()
    meeting = enrol(owner, key)
    stranger = Outsider(connect(meeting), meeting, new_key())
    assert stranger.shake_hands()["error"] == "unknown_key"
    stranger.send("ping")
    assert stranger.is_cut()

    # what the broker has seen is of no use to it, at the same mailbox or at another
    page = Outsider(connect(meeting), meeting, key).open()
    master = connect(meeting, MASTER)
    other = Outsider(master, meeting, new_key())
    other.say(page.greeting)
    page.say(page.greeting)
    page.send("ping")
    assert page.next("pong")
    page.say(b"")
    wait_for_pages(owner, 0)
    master.subscribe(page.outbox)
    master.publish(page.inbox, page.greeting)
    assert master.next(page.outbox)[0] == 2
    master.publish(page.inbox, page.first)
    assert master.next(page.outbox) == b"\x04"
    status = wait_for_pages(owner, 0)
    assert status["discards"]["bad_handshake"] == 1
    assert status["discards"]["repeated_handshake"] == 1
    assert status["discards"]["tampered"] == 1


def test_a_message_that_was_changed_or_withheld_ends_the_session(start_door, connect):
    _, owner = start_door()
    key = new_key()
    meeting = enrol(owner, key)
    client = connect(meeting)
    page = Outsider(client, meeting, key).open()
    changed = bytearray(page.seal("call-initiate", recipient="door"))
    changed[15], changed[16] = changed[16] ^ 1, changed[15]
    page.say(bytes(changed))
    assert page.is_cut()
    assert wait_for_pages(owner, 0)["discards"]["tampered"] == 1

    page = Outsider(client, meeting, key).open()
    page.say(again := page.seal("ping"))
    page.say(again)
    assert page.next("pong")
    page.seal("withheld")
    page.send("ping")
    assert page.is_cut()
    discards = wait_for_pages(owner, 0)["discards"]
    assert discards["duplicate"] == 1 and discards["gap"] == 1


def test_who_is_sent_away_is_cut_and_does_not_come_back(start_door, connect):
    _, owner = start_door()
    member = owner.invite(name="Ben")
    key = new_key()
    meeting = enrol(member, key)
    client = connect(meeting)
    page = Outsider(client, meeting, key).open()
    page.send("call-initiate", recipient="door")
    page.next("call-accepted")
    # another key in its place
    key = new_key()
    enrol(member, key)
    assert page.is_cut()
    page = Outsider(client, meeting, key).open()
    assert owner.ask("DELETE", f"api/people/{member.me['id']}")[0] == 204
    before = time.monotonic()
    assert page.is_cut()
    assert time.monotonic() - before < SOON
    assert Outsider(client, meeting, key).shake_hands()["error"] == "unknown_key"

    # a session that is signed out takes its key along
    other = owner.invite(name="Cem")
    key = new_key()
    enrol(other, key)
    page = Outsider(client, meeting, key).open()
    assert other.ask("POST", "api/sign-out", {})[0] == 204
    assert page.is_cut()


def test_an_invitation_is_used_from_outside_once(start_door, connect):
    daemon, owner = start_door(**{"meeting.page_url": "https://page.example/door/"})
    status, answer = owner.ask("POST", "api/invitations", {"name": "Ben"})
    assert status == 201
    page_url, fragment = answer["outsideLink"].split("#")
    assert page_url == "https://page.example/door/"
    parts = dict(part.split("=", 1) for part in fragment.split("&"))
    meeting = json.loads(from_base64url(parts["meeting"]))
    client = connect(meeting)
    key = new_key()
    page = Outsider(client, meeting, key, invite=parts["invite"], device="Telephone").open()
    people = {person["name"]: person for person in owner.ask("GET", "api/people")[1]["people"]}
    assert [device["name"] for device in people["Ben"]["devices"]] == ["Telephone"]
    page.say(b"")
    # its key is enough from now on, and the invitation is of no use to anybody else
    Outsider(client, meeting, key).open().say(b"")
    other = Outsider(client, meeting, new_key(), invite=parts["invite"])
    assert other.shake_hands()["error"] == "invitation_used"
    assert "came in by an invitation, from outside" in daemon.log


def test_only_a_browser_with_a_session_and_a_key_is_enrolled(start_door, start_daemon):
    daemon, owner = start_door()
    for bad in ("", "AAAA", base64url(bytes(31)), base64url(bytes(33)), "+" * 43):
        status, answer = owner.ask("PUT", "api/meeting", {"key": bad})
        assert (status, answer["error"]) == (400, "bad_key")
    token = daemon.ask("token", "Recorder").strip()
    status, answer = Visitor(daemon).ask("PUT", "api/meeting", {"key": public(new_key())}, Authorization=f"Bearer {token}")
    assert (status, answer["error"]) == (403, "no_device")
    assert Visitor(daemon).ask("PUT", "api/meeting", {"key": public(new_key())})[0] == 401
    # another person's key is not theirs
    key = new_key()
    enrol(owner, key)
    status, answer = owner.invite(name="Ben").ask("PUT", "api/meeting", {"key": public(key)})
    assert (status, answer["error"]) == (409, "key_in_use")

    without = start_daemon({"web.authentication": "household"})
    owner = Visitor(without).pair()
    assert "meeting" not in owner.ask("GET", "api/me")[1]
    assert owner.ask("PUT", "api/meeting", {"key": public(new_key())})[1]["error"] == "no_meeting"
    assert "meeting" not in owner.ask("GET", "api/status")[1]


def test_the_door_comes_back_when_the_broker_does(start_door, connect, broker):
    daemon, owner = start_door()
    key = new_key()
    meeting = enrol(owner, key)
    Outsider(connect(meeting), meeting, key).open()
    broker.stop()
    daemon.wait_for_log("lost the meeting point")
    broker.start()
    deadline = time.monotonic() + 20 * SLOWNESS
    while meeting_status(owner)["state"] != "connected":
        assert time.monotonic() < deadline, daemon.log
        time.sleep(0.05)
    client = connect(meeting)
    client.subscribe(state := f"doorward/{meeting['door']}/state")
    assert client.next(state).startswith(b"online ")
    # what was before is over, and the page comes anew
    wait_for_pages(owner, 0)
    Outsider(client, meeting, key).open()
    assert daemon.log.count("lost the meeting point") == 1


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"meeting.password": "wrong"}, "cannot be used: wrong user name or password"),
        ({"meeting.ca_file": ""}, "cannot be used: no authority that is trusted vouches for its certificate"),
        ({"meeting.topic": "elsewhere"}, "passes on nothing that the door says on elsewhere/.*: this user may not"),
        ({"meeting.url": "mqtts://127.0.0.1:1"}, "cannot reach the meeting point .*Connection refused"),
    ],
)
def test_the_log_says_what_is_wrong_with_the_meeting_point(start_daemon, broker, settings, line):
    daemon: Daemon = start_daemon({"web.authentication": "household", **broker.settings(), **settings})
    daemon.wait_for_log(line)
