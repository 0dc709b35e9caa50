"""Who may come in: by raw requests, what is under way when somebody is sent away, and programs with tokens."""

import json
import time

import pytest
from conftest import SLOWNESS
from exchange import offer, request
from page import Page
from test_view import view
from websockets.exceptions import InvalidStatus

SDP = "application/sdp"


class Visitor:
    """A browser's side of the HTTP interface."""

    def __init__(self, daemon):
        self._daemon = daemon
        self.headers = {}

    def ask(self, method, path, body=None, **headers):
        """Status and JSON of an answer."""
        data = None if body is None else json.dumps(body)
        everything = {"Origin": f"http://127.0.0.1:{self._daemon.port}", **self.headers, **headers}
        url = self._daemon.url(path=path)
        status, fields, text = request(method, url, data, "application/json" if data else None, **everything)
        if "Set-Cookie" in fields and status == 200:
            self.headers["Cookie"] = fields["Set-Cookie"].split(";")[0]
        return status, json.loads(text) if fields.get_content_type() == "application/json" else None

    def pair(self):
        status, me = self.ask("POST", "api/pair", {"code": self._daemon.pairing_code(), "name": "Anna"})
        assert status == 200, me
        return self

    def invite(self, **invitation):
        """Somebody who has come in by an invitation."""
        status, answer = self.ask("POST", "api/invitations", invitation)
        assert status == 201, answer
        visitor = Visitor(self._daemon)
        status, visitor.me = visitor.ask("POST", "api/join", {"invitation": answer["link"].split("#invite=")[1]})
        assert status == 200, visitor.me
        return visitor

    def open_page(self):
        return Page(self._daemon, **self.headers)


@pytest.fixture
def daemon(start_daemon):
    return start_daemon({"web.authentication": "household"})


@pytest.fixture
def owner(daemon):
    return Visitor(daemon).pair()


def names(page):
    return [participant["name"] for participant in page.next("presence")["participants"]]


def call(page):
    call = page.call()
    page.offer(call, offer(direction="sendrecv"))
    page.next("call-answer")
    return call


def peers(daemon, owner):
    return owner.ask("GET", "api/status")[1]["peers"]


def test_a_socket_wants_a_session_or_a_token(daemon, owner):
    for headers in ({}, {"Cookie": "doorward-00000000=x"}, {"Authorization": "Bearer x"}):
        with pytest.raises(InvalidStatus) as refused:
            Page(daemon, **headers)
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["WWW-Authenticate"].startswith("Bearer")
    with pytest.raises(InvalidStatus) as refused:
        Page(daemon, **owner.headers, Origin="https://evil.example")
    assert refused.value.response.status_code == 403
    owner.open_page().close()


def test_a_person_is_seen_by_the_name_that_the_household_knows(owner):
    page = owner.open_page()
    page.send("presence", name="Somebody else")
    while "Anna" not in (seen := names(page)):
        assert "Somebody else" not in seen
    page.close()


def test_who_is_removed_is_out_of_a_call_at_once(daemon, owner):
    member = owner.invite(name="Ben")
    page = member.open_page()
    call(page)
    assert len(peers(daemon, owner)) == 1
    before = time.monotonic()
    assert owner.ask("DELETE", f"api/people/{member.me['id']}")[0] == 204
    assert page.closed() == (1008, "signed out")
    assert time.monotonic() - before < 2 * SLOWNESS
    assert peers(daemon, owner) == []
    with pytest.raises(InvalidStatus):
        member.open_page()


def test_a_guests_rights_end_at_the_date_in_a_call_too(daemon, owner):
    until = int(time.time()) + 4
    guest = owner.invite(name="Gus", role="guest", until=until)
    page = guest.open_page()
    call(page)
    assert guest.ask("GET", "api/status")[0] == 403
    assert page.closed() == (1008, "signed out")
    assert until <= time.time() < until + 5 * SLOWNESS
    assert peers(daemon, owner) == []
    assert guest.ask("GET", "api/me")[0] == 401


def test_signing_out_closes_this_devices_pages_and_no_others(daemon, owner):
    other = Visitor(daemon).pair()
    here, there = owner.open_page(), other.open_page()
    assert owner.ask("POST", "api/sign-out", {})[0] == 204
    assert here.closed() == (1008, "signed out")
    there.call()
    there.close()


def test_a_player_with_a_token_watches_until_it_is_taken_back(daemon, owner):
    token = daemon.ask("token", "Recorder").strip()
    result = view(daemon.url(path="whep"), "--duration", 2 * SLOWNESS, "--token", token)
    assert result.returncode == 0, result.stdout + result.stderr
    assert view(daemon.url(path="whep"), "--duration", 1).returncode == 1
    bearer = {"Authorization": f"Bearer {token}"}
    status, headers, _ = request("POST", daemon.url(path="whep"), offer(), SDP, **bearer, Origin="https://player.example")
    assert status == 201 and headers["Access-Control-Allow-Origin"] == "*"
    resource = daemon.url(path=headers["Location"].lstrip("/"))

    # a resource is its maker's: to others there is none
    other = {"Authorization": f"Bearer {daemon.ask('token', 'Other').strip()}"}
    assert request("DELETE", resource, **other)[0] == 404
    assert owner.ask("DELETE", headers["Location"].lstrip("/"))[0] == 404
    assert request("DELETE", resource)[0] == 401

    assert [peer["kind"] for peer in peers(daemon, owner)] == ["whep"]
    daemon.ask("revoke", "Recorder")
    deadline = time.monotonic() + 5 * SLOWNESS
    while peers(daemon, owner):
        assert time.monotonic() < deadline, "the player goes on"
    assert request("POST", daemon.url(path="whep"), offer(), SDP, **bearer)[0] == 401


def test_every_answer_says_what_a_browser_may_do_with_it(daemon):
    for path in ("", "start.js", "api/me", "nothing", "ws", "metrics"):
        _, headers, _ = request("GET", daemon.url(path=path))
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
    assert "microphone=(self)" in request("GET", daemon.url())[1]["Permissions-Policy"]


def test_people_outlive_a_kill(start_daemon, tmp_path):
    settings = {"web.authentication": "household", "state.folder": str(tmp_path / "state")}
    first = start_daemon(settings)
    owner = Visitor(first).pair()
    member = owner.invite(name="Ben")
    first.process.kill()
    first.process.wait()
    second = start_daemon(settings)
    for visitor in (owner, member):
        visitor._daemon = second
        assert visitor.ask("GET", "api/me")[0] == 200
    assert "nobody has paired yet" not in second.log
