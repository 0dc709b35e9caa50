"""What a daemon that runs for a year must do: forget who has gone, keep its size, and end when it is told to."""

import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest
from daemon import ROOT
from exchange import offer, request

NATIVE_CALLS = Path(os.environ.get("NATIVE_CALLS_BINARY", ROOT / ".build/release/native-calls"))


def native_calls(daemon, count=1, seconds=0, *words):
    """Starts a viewer without a browser that calls `count` times and watches for `seconds` each time."""
    if not NATIVE_CALLS.is_file():
        pytest.fail(f"no {NATIVE_CALLS}: build it (swift build -c release)")
    command = [NATIVE_CALLS, f"127.0.0.1:{daemon.port}", str(count), str(seconds), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def call_natively(daemon, count, *words):
    caller = native_calls(daemon, count, 0, *words)
    output, _ = caller.communicate(timeout=60 + 5 * count)
    assert caller.returncode == 0, output
    assert len(re.findall(r"^call \d+: .*first key frame \d+ ms", output, re.M)) == count, output


class Process:
    """What the kernel says of a process."""

    def __init__(self, daemon):
        self._folder = Path(f"/proc/{daemon.process.pid}")
        status = (self._folder / "status").read_text()
        self.resident = int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]) * 1024
        self.threads = sorted(path.read_text().strip() for path in self._folder.glob("task/*/comm"))
        self.descriptors = len(list((self._folder / "fd").iterdir()))


def idle(daemon):
    return daemon.wait_for_status(lambda status: not status["peers"] and not status["players"], seconds=10)


def test_a_viewer_without_udp_watches_over_tcp(start_daemon):
    daemon = start_daemon()
    caller = native_calls(daemon, 1, 3, "tcp")
    status = daemon.wait_for_status(lambda status: any(peer.get("path") for peer in status["peers"]), seconds=20)
    assert "over TCP" in status["peers"][0]["path"]
    output, _ = caller.communicate(timeout=60)
    assert caller.returncode == 0, output
    idle(daemon)


def test_two_hundred_calls_leave_nothing_behind(start_daemon):
    daemon = start_daemon({"video.frame_rate": 30})
    call_natively(daemon, 50)
    idle(daemon)
    before = Process(daemon)
    call_natively(daemon, 150)
    status = idle(daemon)
    after = Process(daemon)
    print(f"resident {before.resident >> 10} kB, then {after.resident >> 10} kB; {after.descriptors} descriptors")
    assert after.threads == before.threads
    assert after.descriptors <= before.descriptors + 1, "the last connection may still be closing"
    assert after.resident <= before.resident + (2 << 20), f"{before.resident} → {after.resident}"
    assert after.resident < 60 << 20
    assert status["network"]["unsent"] == 0


def test_a_thousand_calls_that_never_connect_leave_nothing_behind(daemon, open_page):
    # several pages, for one that called so often would be taken for a flood
    pages = [open_page() for _ in range(15)]

    def call(count):
        for number in range(count):
            page = pages[number % len(pages)]
            name = page.call()
            page.offer(name, offer(direction="sendrecv"))
            page.next("call-answer")
            page.send("call-hangup", call=name)
            page.next("call-hangup")

    call(300)
    before = Process(daemon)
    call(700)
    idle(daemon)
    after = Process(daemon)
    print(f"resident {before.resident >> 10} kB, then {after.resident >> 10} kB")
    assert after.threads == before.threads
    assert after.descriptors <= before.descriptors + 1, "the connection that asked for the status may still be closing"
    assert after.resident <= before.resident + (2 << 20), f"{before.resident} → {after.resident}"


def test_a_viewer_who_vanishes_is_gone_within_half_a_minute(daemon):
    call_natively(daemon, 1, "vanish")
    began = time.monotonic()
    assert len(daemon.status()["peers"]) == 1
    # consent (RFC 7675) is over 30 s after the last answer; the rest is for asking
    daemon.wait_for_status(lambda status: not status["peers"] and not status["players"], seconds=31)
    assert time.monotonic() - began > 1, "he was not given the time that a lost packet takes"
    assert re.search(r"whep: a player is gone after .*: .+", daemon.log)


def test_a_player_that_never_connects_is_gone_within_half_a_minute_or_so(daemon):
    assert request("POST", daemon.url(path="whep"), offer(), "application/sdp")[0] == 201
    daemon.wait_for_status(lambda status: not status["peers"] and not status["players"], seconds=40)


def test_sigterm_in_mid_call_tells_every_viewer_and_exits_in_two_seconds(daemon, open_page):
    page, watcher = open_page(), open_page()
    call = page.call()
    caller = native_calls(daemon, 1, 60)
    daemon.wait_for_status(
        lambda status: [peer["kind"] for peer in status["peers"] if peer["connectionState"] == "connected"] == ["whep"],
        seconds=20,
    )
    took = {}
    stopping = threading.Thread(target=lambda: took.update(seconds=daemon.stop()))
    stopping.start()
    hangup = page.next("call-hangup")
    assert (hangup["call"], hangup["reason"]) == (call, "shutdown")
    assert page.closed()[0] == watcher.closed()[0] == 1001
    stopping.join()
    assert took["seconds"] < 2
    assert daemon.process.returncode == 0
    # the player is told by DTLS that it is over, and need not find out
    caller.wait(5)
    assert "stopping (SIGTERM)" in daemon.log
    assert re.search(r"call: .* is gone after .*: the daemon is stopping", daemon.log)
    assert re.search(r"whep: a player is gone after .*: the daemon is stopping", daemon.log)
    assert re.search(r"stopped after .*\n\Z", daemon.log)


def test_a_ring_ends_with_the_daemon(daemon, open_page):
    page = open_page()
    daemon.ring()
    ring = page.next("call-incoming")["call"]
    stopping = threading.Thread(target=daemon.stop)
    stopping.start()
    hangup = page.next("call-hangup")
    assert (hangup["call"], hangup["reason"]) == (ring, "shutdown")
    stopping.join()


def test_a_name_server_that_does_not_answer_holds_no_exit_up(start_daemon, tmp_path):
    resolver = tmp_path / "resolv.conf"
    # an address of the private network that nobody has
    resolver.write_text("nameserver 10.77.0.99\noptions timeout:20 attempts:2\n")
    mount = f'mount --bind {resolver} /etc/resolv.conf && exec "$@"'
    daemon = start_daemon(
        {"network.stun_servers": "stun.example.org"}, through=["unshare", "--mount", "sh", "-c", mount, "sh"]
    )
    daemon.wait_for_log("page: ")
    caller = native_calls(daemon, 1, 30)
    try:
        # a thread names itself as its first act
        deadline = time.monotonic() + 10
        while "names" not in Process(daemon).threads:
            assert time.monotonic() < deadline, "nobody looks the server up"
            time.sleep(0.01)
        assert daemon.stop() < 2
        assert daemon.process.returncode == 0
    finally:
        caller.kill()
        caller.wait()
