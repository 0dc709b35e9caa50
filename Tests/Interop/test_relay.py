"""The daemon and `doorward view` by way of a TURN server, coturn: what needs no browser."""

import json
import re
import subprocess
import urllib.request

import nat
import pytest
from conftest import SLOWNESS
from coturn import PASSWORD, SECRET, USERNAME, Coturn, ipv6_address, url
from daemon import BINARY
from nat import Houses
from network import LAN_ADDRESS

LASTING = {"network.turn_username": USERNAME, "network.turn_credential": PASSWORD}
OWN = ["--ice-username", USERNAME, "--ice-credential", PASSWORD]


def view(address, *arguments, seconds=3, through=()):
    command = [*through, BINARY, "view", address, "--duration", seconds * SLOWNESS, *arguments]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60 * SLOWNESS)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def path(output):
    """The kinds and addresses of the pair that was used."""
    found = re.search(r"(\w+) (\S+):\d+ to (\w+) (\S+):\d+, round trip", output.splitlines()[-1])
    assert found, output
    return found.groups()


def pictures(output):
    """The most that came in any second."""
    return max(float(rate) for rate in re.findall(r"([\d.]+) pictures/s", output))


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_viewer_and_a_door_that_use_nothing_but_the_relay(transport, start_daemon):
    with Coturn() as coturn:
        authorities = {"network.turn_authorities": coturn.certificate}
        daemon = start_daemon(
            {"network.turn_servers": url(transport), "network.ice_transport_policy": "relay", **LASTING, **authorities}
        )
        output = view(
            daemon.url(path="whep"), "--relay-only", "--ice-server", url(transport), *OWN, "--ice-authorities", coturn.certificate
        )
        kind, local, _, remote = path(output)
        assert (kind, local, remote) == ("relay", LAN_ADDRESS, LAN_ADDRESS)
        assert pictures(output) > 5
        assert len(re.findall("ALLOCATE processed, success", coturn.log)) == 2
        assert daemon.status()["network"]["serverErrors"] == []


def test_a_viewer_takes_the_servers_that_the_door_names(start_daemon):
    with Coturn(secret=SECRET) as coturn:
        daemon = start_daemon({"network.turn_servers": url("udp"), "network.turn_secret": SECRET})
        output = view(daemon.url(path="whep"), "--relay-only")
        assert path(output)[0] == "relay"
        assert pictures(output) > 5
        assert set(coturn.expiries) == {"door", "viewer"}


def test_a_relay_by_ipv6(start_daemon):
    with ipv6_address() as address, Coturn(addresses=(address,)) as coturn:
        daemon = start_daemon({"network.address_family": "ipv6"})
        output = view(daemon.url(path="whep"), "--relay-only", "--ice-server", url("udp", address), *OWN)
        kind, local, _, _ = path(output)
        assert (kind, local) == ("relay", f"[{address}]")
        assert pictures(output) > 5
        assert "ALLOCATE processed, success" in coturn.log


def server_errors(daemon):
    return {error["url"]: (error["code"], error["reason"]) for error in daemon.status()["network"]["serverErrors"]}


def test_what_servers_refuse_is_told_with_the_reason(start_daemon):
    urls = ",".join(map(url, ("udp", "tcp", "tls")))
    down = f"turn:{LAN_ADDRESS}:3999?transport=tcp"
    with Coturn() as coturn:
        daemon = start_daemon({"network.turn_servers": f"{urls},{down}", **LASTING, "network.turn_credential": "open barley"})
        # the way by the house's own addresses is open all the same
        assert path(view(daemon.url(path="whep")))[0] != "relay"
        errors = server_errors(daemon)
        assert errors[url("udp")] == errors[url("tcp")] == (401, "Unauthorized")
        assert errors[down] == (701, f"cannot connect to {LAN_ADDRESS}:3999: Connection refused")
        # nobody whom the system trusts vouches for this one
        code, reason = errors[url("tls")]
        assert code == 701 and "certificate is not trusted" in reason
        for address, (code, reason) in errors.items():
            daemon.wait_for_log(re.escape(address) + r" \(from \S+\): " + re.escape(f"{code} {reason}"))
        output = view(daemon.url(path="whep"), "--ice-server", url("udp"), "--ice-username", USERNAME, "--ice-credential", "x")
        assert f"{url('udp')} (from {LAN_ADDRESS}): 401 Unauthorized" in output
        assert "open barley" not in daemon.log + coturn.log


def test_a_quota_that_is_used_up_is_told(start_daemon):
    with Coturn("--user-quota=1"):
        daemon = start_daemon({"network.turn_servers": url("udp"), **LASTING})
        first = subprocess.Popen([BINARY, "view", daemon.url(path="whep"), "--duration", "20"], stdout=subprocess.DEVNULL)
        try:
            daemon.wait_for_status(lambda status: status["players"] == 1, seconds=10)
            view(daemon.url(path="whep"), "--ice-server", f"stun:{LAN_ADDRESS}")
            daemon.wait_for_log(r"486 Allocation Quota Reached")
            assert server_errors(daemon) == {url("udp"): (486, "Allocation Quota Reached")}
        finally:
            first.kill()
            first.wait()


def test_two_houses_with_nothing_but_a_relay_between_them(start_daemon):
    houses = Houses()
    try:
        with Coturn(addresses=(nat.SERVER,), secret=SECRET) as coturn:
            start_daemon(
                {
                    "web.port": nat.WEB_PORT,
                    "network.stun_servers": f"stun:{nat.SERVER}",
                    "network.turn_servers": f"turn:{nat.SERVER}?transport=tcp",
                    "network.turn_secret": SECRET,
                },
                through=houses.home.enter,
            )
            output = view(f"http://{nat.HOME}:{nat.WEB_PORT}/whep", through=houses.away.enter, seconds=4)
            _, local, _, remote = path(output)
            assert nat.SERVER in (local, remote), output
            assert pictures(output) > 5
            assert set(coturn.expiries) == {"door", "viewer"}
    finally:
        houses.close()


def turn_credentials(daemon):
    with urllib.request.urlopen(daemon.url(path="api/turn-credentials"), timeout=10 * SLOWNESS) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return json.load(answer)


def test_a_program_that_asks_for_credentials_may_use_the_relay(start_daemon):
    with Coturn(secret=SECRET) as coturn:
        settings = {"network.turn_servers": url("udp"), "network.turn_secret": SECRET, "network.stun_servers": "stun:stun.example"}
        daemon = start_daemon({**settings, "network.turn_credential_lifetime_seconds": 600})
        told = turn_credentials(daemon)
        assert told["ttl"] == 600
        assert told["uris"] == [url("udp")]
        assert told["iceServers"][0] == {"urls": ["stun:stun.example:3478"]}, "no credentials for what wants none"
        # by what it was told alone
        servers = [part for uri in told["uris"] for part in ("--ice-server", uri)]
        own = ["--ice-username", told["username"], "--ice-credential", told["password"]]
        assert path(view(daemon.url(path="whep"), "--relay-only", *servers, *own))[0] == "relay"
        assert "viewer" in coturn.expiries


def test_without_a_turn_server_there_are_no_credentials(start_daemon):
    told = turn_credentials(start_daemon())
    assert told == {"iceServers": [], "ttl": 86400, "uris": []}
    told = turn_credentials(start_daemon({"network.stun_fallback": "stun:stun.example"}))
    assert told["iceServers"] == [{"urls": ["stun:stun.example:3478"]}]
