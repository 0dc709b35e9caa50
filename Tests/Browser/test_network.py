"""Networks that get in the way: no UDP, hidden addresses, addresses that go and come."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time

import card
from chromium import FLAGS, Chromium
from network import LAN_ADDRESS

SECOND_ADDRESS = "10.78.0.1"


def run(*command: str) -> None:
    subprocess.run(command, check=True)


@contextlib.contextmanager
def no_udp():
    """A firewall that lets nothing but TCP through."""
    run("nft", "add table inet doorward_test")
    run("nft", "add chain inet doorward_test input { type filter hook input priority 0 ; }")
    run("nft", "add rule inet doorward_test input meta l4proto udp drop")
    try:
        yield
    finally:
        run("nft", "delete table inet doorward_test")


def watch(page) -> None:
    page.click("#watch")
    page.wait_for_phase("live", seconds=20)


def path(daemon) -> str:
    return daemon.wait_for_status(lambda status: any(peer.get("path") for peer in status["peers"]), seconds=10)["peers"][0]["path"]


def test_chromium_calls_over_tcp_where_udp_is_blocked(chromium, start_daemon, open_page):
    daemon = start_daemon(**{"log.level": "debug"})
    with no_udp():
        page = open_page(chromium, daemon.url())
        watch(page)
        assert "over TCP" in path(daemon)
        first = card.read(page, seconds=10)
        page.evaluate("new Promise((resolve) => setTimeout(resolve, 3000))")
        second = card.read(page)
        assert second.number > first.number + 40, f"{second.number - first.number} pictures in three seconds"
        assert second.age < 1000


def test_udp_is_preferred_where_it_goes(chromium, daemon, open_page):
    page = open_page(chromium, daemon.url())
    watch(page)
    assert "over TCP" not in path(daemon)


def test_a_connection_that_shows_nothing_is_closed(start_daemon):
    import socket

    daemon = start_daemon(**{"log.level": "debug", "network.interfaces": "lo"})
    port = int(daemon.wait_for_log(r"listening on TCP 127\.0\.0\.1:(\d+)")[1])
    silent = socket.create_connection(("127.0.0.1", port))
    silent.settimeout(15)
    begun = time.monotonic()
    assert silent.recv(1) == b""
    assert 3 < time.monotonic() - begun < 10
    rude = socket.create_connection(("127.0.0.1", port))
    rude.settimeout(3)
    rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert rude.recv(1) == b""
    # of a flood, only some are kept at once
    flood = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    closed = 0
    for connection in flood:
        connection.settimeout(0.2)
        try:
            closed += connection.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed += 1
    assert closed >= 30, f"{40 - closed} connections that show nothing are kept"


def test_the_browsers_hidden_addresses_are_resolved(playwright, start_daemon, open_page):
    daemon = start_daemon(**{"log.level": "debug"})
    # a page that may use the microphone is allowed to know its addresses (RFC 8828 §5.2), and this flag allows it unasked
    browser = Chromium(playwright, flags=[flag for flag in FLAGS if flag != "--use-fake-ui-for-media-stream"])
    try:
        page = open_page(browser, daemon.url())
        watch(page)
        found = daemon.wait_for_log(r"names: ([0-9a-f-]+\.local) is \[(.+)\]", seconds=10)
        assert re.search(r"[0-9a-f:.]{4,}", found[2]), found[0]
    finally:
        browser.stop()


def test_a_door_that_hides_its_addresses_is_called_by_name(chromium, start_daemon, open_page):
    daemon = start_daemon(**{"log.level": "debug", "network.hide_addresses": "true", "network.tcp": "false"})
    page = open_page(chromium, daemon.url())
    page.evaluate(
        """(() => {
            window.told = [];
            const set = RTCPeerConnection.prototype.setRemoteDescription;
            RTCPeerConnection.prototype.setRemoteDescription = function (description) {
                window.told.push(description.sdp);
                return set.call(this, description);
            };
            return true;
        })()"""
    )
    watch(page)
    candidates = re.findall(r"a=candidate:.*", "".join(page.evaluate("window.told")))
    assert any(".local" in candidate for candidate in candidates)
    assert not any(LAN_ADDRESS in candidate for candidate in candidates), candidates


def test_a_call_outlives_the_address_it_goes_by(chromium, start_daemon, open_page):
    run("ip", "addr", "add", f"{SECOND_ADDRESS}/24", "dev", "house0")
    try:
        daemon = start_daemon(**{"log.level": "debug", "network.address_family": "ipv4"})
        page = open_page(chromium, daemon.url())
        watch(page)
        before = path(daemon)
        used = before.split(":")[0]
        assert used in (LAN_ADDRESS, SECOND_ADDRESS), before
        run("ip", "addr", "del", f"{used}/24", "dev", "house0")
        begun = time.monotonic()
        try:
            daemon.wait_for_log("the address of its path is gone", seconds=2)
            daemon.wait_for_status(
                lambda status: any((peer.get("path") or used).split(":")[0] != used for peer in status["peers"]), seconds=10
            )
            number = card.read(page, seconds=10).number
            while card.read(page, seconds=10).number <= number + 5:
                assert time.monotonic() - begun < 10, f"no new picture\n{daemon.log}"
            print(f"the picture goes on after {time.monotonic() - begun:.1f} s")
        finally:
            run("ip", "addr", "add", f"{used}/24", "dev", "house0")
    finally:
        subprocess.run(["ip", "addr", "del", f"{SECOND_ADDRESS}/24", "dev", "house0"], check=False)
        subprocess.run(["ip", "addr", "add", f"{LAN_ADDRESS}/24", "dev", "house0"], check=False)
