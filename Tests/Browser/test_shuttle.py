"""The shuttle that stands in for bad networks: it is as bad as it was told to be, and no worse."""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from link import Link, Links
from network import CLONE_NEWNET, Namespace
from shuttle import Conditions

#: Figures of time, on a machine that may do something else: each test may be tried thrice; the report tells of each attempt.
pytestmark = [pytest.mark.alone, pytest.mark.flaky(reruns=2)]

#: Of an IPv4 packet: the IP and the UDP header, and what is left of it for the payload.
HEADERS = 28
PAYLOAD = 1200 - HEADERS
PORT = 9
#: Python does not name it: the kernel stamps what it receives, with a `struct timespec`.
SO_TIMESTAMPNS = 35


@contextmanager
def inside(namespace: Namespace) -> Iterator[None]:
    """What this thread opens is in the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as ours, open(f"/proc/{namespace.pid}/ns/net") as theirs:
        if libc.setns(theirs.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(ours.fileno(), CLONE_NEWNET)


@dataclass(frozen=True)
class Arrival:
    number: int
    #: Seconds from this process's sending to the other end's device; the kernel has stamped it.
    transit: float


def send(link: Link, rate: float, seconds: float) -> tuple[int, list[Arrival]]:
    """Sends packets of 1200 bytes down the link at so many bit/s; returns how many those were, and those that arrived."""
    with inside(link.namespace):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        receiver.bind((link.there, PORT))
        receiver.setblocking(False)
        count = int(rate * seconds / 8 / (PAYLOAD + HEADERS))
        arrivals: list[Arrival] = []
        begun = time.monotonic()
        last = begun
        sent = 0
        # what is under way for so long has been lost
        while sent < count or time.monotonic() < last + 0.4:
            while sent < count and begun + sent * seconds / count <= time.monotonic():
                sender.sendto(struct.pack("!IQ", sent, time.time_ns()).ljust(PAYLOAD, b"\0"), (link.there, PORT))
                sent += 1
                last = time.monotonic()
            select.select([receiver], [], [], 0.001)
            while True:
                try:
                    data, control, _, _ = receiver.recvmsg(PAYLOAD, 64)
                except BlockingIOError:
                    break
                last = time.monotonic()
                number, at = struct.unpack_from("!IQ", data)
                stamp = next(value for _, kind, value in control if kind == SO_TIMESTAMPNS)
                arrived, nanoseconds = struct.unpack("qq", stamp)
                arrivals.append(Arrival(number, (arrived * 1_000_000_000 + nanoseconds - at) / 1e9))
        return sent, arrivals


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]


def test_a_link_without_conditions_adds_less_than_two_milliseconds():
    with Links() as links:
        sent, arrivals = send(links[0], rate=5e6, seconds=3)
    transits = [arrival.transit for arrival in arrivals]
    middle, worst = percentile(transits, 0.5), percentile(transits, 0.99)
    print(f"transit: median {middle * 1e3:.3f} ms, 99 % below {worst * 1e3:.3f} ms")
    assert [arrival.number for arrival in arrivals] == list(range(sent))
    assert middle < 0.001
    assert worst < 0.002


def test_a_link_carries_its_rate_and_drops_what_its_queue_does_not_hold():
    with Links() as links:
        link = links[0]
        changed = link.set(down=Conditions(rate=3e6, queue=0.2))
        sent, arrivals = send(link, rate=4.5e6, seconds=3)
    passed = link.down.between(changed + 1, changed + 3)
    assert 2.9e6 < passed.rate < 3.1e6
    assert 0.18 < passed.queueing() <= 0.21
    # it waits in the queue for real, and then for its own passing
    assert 0.18 < max(arrival.transit for arrival in arrivals) < 0.23
    whole = link.down.between(changed, changed + 5)
    assert whole.lost == 0
    assert whole.dropped == sent - len(arrivals)
    assert 0.25 < whole.dropped / sent < 0.36


def test_a_rate_that_changes_holds_from_then_on():
    with Links() as links:
        link = links[0]
        begun = link.set(down=Conditions(rate=3e6))
        send(link, rate=2e6, seconds=1)
        fallen = link.set(down=Conditions(rate=6e5))
        send(link, rate=2e6, seconds=2)
        risen = link.set(down=Conditions(rate=3e6))
        send(link, rate=2e6, seconds=1)
    assert 1.9e6 < link.down.between(begun, begun + 1).rate < 2.1e6
    assert 5.4e5 < link.down.between(fallen + 0.5, fallen + 2).rate < 6.6e5
    assert 1.9e6 < link.down.between(risen, risen + 1).rate < 2.1e6
    rates = [passed.rate for _, passed in link.down.slots(fallen + 0.5, fallen + 2, length=0.5)]
    assert len(rates) == 3 and all(5e5 < rate < 7e5 for rate in rates), rates


def test_packets_are_late_by_the_links_delay_and_keep_their_order_in_its_jitter():
    with Links() as links:
        links[0].set(down=Conditions(delay=0.025))
        sent, steady = send(links[0], rate=2e6, seconds=1)
        links[0].set(down=Conditions(delay=0.025, jitter=0.03))
        _, jittery = send(links[0], rate=2e6, seconds=2)
    transits = [arrival.transit for arrival in steady]
    assert 0.025 < min(transits) and percentile(transits, 0.99) < 0.027
    assert [arrival.number for arrival in steady] == list(range(sent))
    transits = [arrival.transit for arrival in jittery]
    assert 0.025 < min(transits) and percentile(transits, 0.99) < 0.057
    assert percentile(transits, 0.9) - percentile(transits, 0.1) > 0.005
    assert [arrival.number for arrival in jittery] == sorted(arrival.number for arrival in jittery)


def test_some_packets_keep_no_order_where_the_link_says_so():
    with Links() as links:
        links[0].set(down=Conditions(delay=0.01, jitter=0.02, disordered=0.1))
        sent, arrivals = send(links[0], rate=2e6, seconds=2)
    numbers = [arrival.number for arrival in arrivals]
    assert sorted(numbers) == list(range(sent))
    highest = -1
    overtaken = 0
    for number in numbers:
        overtaken += number < highest
        highest = max(highest, number)
    assert 0.02 < overtaken / sent < 0.3, f"{overtaken} of {sent}"


def test_packets_are_lost_at_random_in_each_direction_alone():
    with Links(2) as links:
        links[0].set(down=Conditions(loss=0.05))
        links[1].set(up=Conditions(loss=1))
        sent, arrivals = send(links[0], rate=1.5e7, seconds=3)
        sent_beside, arrivals_beside = send(links[1], rate=2e6, seconds=1)
        first = links[0]
    lost = sent - len(arrivals)
    # four standard deviations of the binomial distribution
    assert abs(lost - 0.05 * sent) < 4 * (sent * 0.05 * 0.95) ** 0.5, f"{lost} of {sent}"
    assert sum(fate != 0 for *_, fate in first.down.packets) == lost
    assert len(arrivals_beside) == sent_beside


def test_the_way_back_has_conditions_of_its_own():
    with Links() as links:
        links[0].set(down=Conditions(delay=0.01), up=Conditions(delay=0.03))
        with inside(links[0].namespace):
            echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with echo, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            echo.bind((links[0].there, PORT))
            asking.settimeout(5)
            echo.settimeout(5)
            begun = time.monotonic()
            asking.sendto(b"?", (links[0].there, PORT))
            echo.sendto(b"!", echo.recvfrom(16)[1])
            asking.recv(16)
            passed = time.monotonic() - begun
    assert 0.04 < passed < 0.06, f"{passed * 1e3:.1f} ms"


def test_the_shuttle_is_gone_with_its_devices():
    with Links() as links:
        assert "near0" in devices()
        far = links[0].namespace
    assert "near0" not in devices()
    assert not Path(f"/proc/{far.pid}/ns/net").exists()


def devices() -> list[str]:
    return [name for _, name in socket.if_nameindex()]
