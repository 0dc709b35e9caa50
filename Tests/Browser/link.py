"""Bad links between this process's namespace and houses far away, and what passed over them.

    here 10.80.0.1 ── tun ─┐         ┌─ tun ── 10.80.0.2 namespace of the first link
                           ├ shuttle ┤
    here 10.80.1.1 ── tun ─┘         └─ tun ── 10.80.1.2 namespace of the second link

The namespace has no other way out. `Links` holds them all; one process carries the packets of all.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from network import Namespace
from shuttle import DELIVERED, DROPPED, LOST, Conditions

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000

#: Home routers: what leaves in this time waits, what is more is dropped.
ROUTER_QUEUE = 0.3


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True)


def _tun(name: str) -> int:
    """A TUN device of this name in this process's namespace, for as long as the descriptor is open."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    # no address of its own making: a browser that starts would take it for a change of the network
    _ip(f"link set {name} addrgenmode none")
    return descriptor


@dataclass(frozen=True)
class Passed:
    """The packets of one direction that arrived at its queue in a span of time."""

    seconds: float
    packets: list[tuple[float, int, float, int]]

    @property
    def rate(self) -> float:
        """bit/s that were delivered, IP headers included."""
        return sum(size for _, size, _, fate in self.packets if fate == DELIVERED) * 8 / self.seconds

    @property
    def sent_rate(self) -> float:
        """bit/s that arrived at the queue."""
        return sum(size for _, size, _, _ in self.packets) * 8 / self.seconds

    @property
    def dropped(self) -> int:
        """Packets that found the queue full."""
        return sum(fate == DROPPED for *_, fate in self.packets)

    @property
    def lost(self) -> int:
        """Packets that were lost at random."""
        return sum(fate == LOST for *_, fate in self.packets)

    def queueing(self, part: float = 1) -> float:
        """How long packets waited for the wire, in seconds: so long at most waited this part of them."""
        delays = sorted(delay for _, _, delay, fate in self.packets if fate != DROPPED)
        return delays[min(int(part * len(delays)), len(delays) - 1)] if delays else 0


class Record:
    """What passed one direction, once the shuttle has stopped."""

    def __init__(self, packets: list[tuple[float, int, float, int]], lateness: float):
        self.packets = packets
        #: The most that the shuttle itself was late, in seconds.
        self.lateness = lateness

    def between(self, begin: float, end: float) -> Passed:
        """What came between two moments of the monotonic clock."""
        return Passed(end - begin, [packet for packet in self.packets if begin <= packet[0] < end])

    def slots(self, begin: float, end: float, length: float = 0.1) -> Iterator[tuple[float, Passed]]:
        """The same, cut into slots, each with its beginning."""
        by_slot: list[list[tuple[float, int, float, int]]] = [[] for _ in range(int((end - begin) / length))]
        for packet in self.packets:
            number = int((packet[0] - begin) // length)
            if 0 <= number < len(by_slot):
                by_slot[number].append(packet)
        for number, packets in enumerate(by_slot):
            yield begin + number * length, Passed(length, packets)


class Link:
    """One link. `down` leads from here to the namespace, `up` back. Its conditions may change at any time."""

    def __init__(self, links: Links, number: int):
        self._links = links
        self._number = number
        self.here = f"10.80.{number}.1"
        self.there = f"10.80.{number}.2"
        self.namespace = Namespace()
        near, far = f"near{number}", f"far{number}"
        self.descriptors = (_tun(near), _tun(far))
        _ip(f"addr add {self.here}/30 dev {near}")
        _ip(f"link set {near} up")
        _ip(f"link set {far} netns {self.namespace.pid}")
        for arguments in (f"addr add {self.there}/30 dev {far}", f"link set {far} up", f"route add default via {self.here}"):
            self.namespace.run("ip", *arguments.split())
        self.down = Record([], 0)
        self.up = Record([], 0)

    def set(self, down: Conditions | None = None, up: Conditions | None = None) -> float:
        """Changes what is given; returns from which moment of the monotonic clock on it holds."""
        changes = [(2 * self._number + direction, value) for direction, value in enumerate((down, up)) if value is not None]
        return max(self._links.command(direction, conditions) for direction, conditions in changes)


class Links:
    """All links of a test, and the process that carries their packets. They are perfect until they are told otherwise."""

    def __init__(self, count: int = 1):
        self._links: list[Link] = []
        try:
            for number in range(count):
                self._links.append(Link(self, number))
            pairs = [pair for link in self._links for pair in (link.descriptors, link.descriptors[::-1])]
            self._shuttle = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("shuttle.py")), *(f"{source},{sink}" for source, sink in pairs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[descriptor for link in self._links for descriptor in link.descriptors],
            )
            self._answer()
        except BaseException:
            self._take_down()
            raise

    def __enter__(self) -> Links:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __getitem__(self, number: int) -> Link:
        return self._links[number]

    def command(self, direction: int, conditions: Conditions) -> float:
        assert self._shuttle.stdin
        self._shuttle.stdin.write(json.dumps([direction, asdict(conditions)]).encode() + b"\n")
        self._shuttle.stdin.flush()
        return self._answer()

    def _answer(self) -> float:
        assert self._shuttle.stdout
        return json.loads(self._shuttle.stdout.readline())

    def stop(self) -> None:
        """Ends the links; from now on they have their records."""
        if not self._links:
            return
        try:
            output, _ = self._shuttle.communicate(timeout=10)
            if self._shuttle.returncode != 0:
                raise AssertionError(f"the shuttle ended with {self._shuttle.returncode}")
            records = [Record([tuple(packet) for packet in each["packets"]], each["lateness"]) for each in json.loads(output)]
            for link, down, up in zip(self._links, records[::2], records[1::2]):
                link.down, link.up = down, up
        finally:
            self._shuttle.kill()
            self._take_down()

    def _take_down(self) -> None:
        for link in self._links:
            for descriptor in link.descriptors:
                os.close(descriptor)
            link.namespace.close()
        self._links = []
