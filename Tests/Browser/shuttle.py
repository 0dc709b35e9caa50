"""Carries IP packets between pairs of TUN devices as a bad network would: `link.py` starts it, as a process of its own.

    arrives ─► queue, as long as it is allowed ─► wire, at its rate ─► lost or not ─► on its way for its delay ─► delivered

`shuttle.py DIRECTION…`, where each DIRECTION is "source,sink", two descriptors of TUN devices. Commands come on standard input, one
JSON value a line: `[direction, {condition: value, …}]`. Standard output has a line once it runs and one for each command, with the
moment from which on it holds, and last, when there are no more commands, the record of every packet.
"""

from __future__ import annotations

import gc
import heapq
import json
import os
import random
import select
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

#: What became of a packet.
DELIVERED, LOST, DROPPED = range(3)


@dataclass(frozen=True)
class Conditions:
    """How one direction of a link is."""

    #: bit/s, IP headers included; None: no limit.
    rate: float | None = None
    #: What the queue before the wire holds, in seconds of the rate; what comes to a full one is dropped.
    queue: float = 0.3
    #: Seconds from the wire to the other end.
    delay: float = 0.0
    #: The most that a packet is late beyond that, in seconds, evenly distributed. Packets keep their order.
    jitter: float = 0.0
    #: The part of the packets that keeps no order: such a one overtakes others, or is overtaken.
    disordered: float = 0.0
    #: The part of the packets that is lost at random.
    loss: float = 0.0


class Direction:
    """One way of a link."""

    def __init__(self, source: int, sink: int, chance: random.Random):
        self.source = source
        self.conditions = Conditions()
        #: For each packet: when it arrived (monotonic), its bytes, how long it waited for the wire, and what became of it.
        self.record: list[tuple[float, int, float, int]] = []
        #: The most that a packet was delivered later than it should have been.
        self.lateness = 0.0
        self._sink = sink
        self._chance = chance
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._waiting_bytes = 0
        self._wire_is_free = 0.0
        self._under_way: list[tuple[float, int, bytes]] = []
        self._sent = 0
        self._last_due = 0.0

    @property
    def deadline(self) -> float:
        """When something is to be done next."""
        begins = self._wire_is_free if self._waiting else float("inf")
        return min(begins, self._under_way[0][0]) if self._under_way else begins

    def take(self, now: float) -> None:
        """Takes what the device has."""
        rate, limit = self.conditions.rate, self.conditions.queue
        while True:
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            # a packet longer than the queue still passes an idle wire
            if rate is not None and self._waiting and (self._waiting_bytes + len(packet)) * 8 > limit * rate:
                self.record.append((now, len(packet), 0.0, DROPPED))
                continue
            self._waiting.append((now, packet))
            self._waiting_bytes += len(packet)

    def advance(self, now: float) -> None:
        """Sends and delivers what is due."""
        while self._waiting and self._wire_is_free <= now:
            arrived, packet = self._waiting.popleft()
            self._waiting_bytes -= len(packet)
            self._send(packet, arrived, begins=max(arrived, self._wire_is_free))
        while self._under_way and self._under_way[0][0] <= now:
            due, _, packet = heapq.heappop(self._under_way)
            self.lateness = max(self.lateness, now - due)
            os.write(self._sink, packet)

    def _send(self, packet: bytes, arrived: float, begins: float) -> None:
        conditions, chance = self.conditions, self._chance
        self._wire_is_free = begins + (len(packet) * 8 / conditions.rate if conditions.rate is not None else 0)
        is_lost = chance.random() < conditions.loss
        self.record.append((arrived, len(packet), begins - arrived, LOST if is_lost else DELIVERED))
        if is_lost:
            return
        due = self._wire_is_free + conditions.delay + chance.random() * conditions.jitter
        if chance.random() >= conditions.disordered:
            due = self._last_due = max(due, self._last_due)
        self._sent += 1
        heapq.heappush(self._under_way, (due, self._sent, packet))


def run(directions: list[Direction], commands: int) -> None:
    """Carries packets until no more commands come."""
    by_source = {direction.source: direction for direction in directions}
    # select's timeout is exact to the microsecond, that of epoll and poll here only to the millisecond
    sources = [commands, *by_source]
    unread = b""
    tell(time.monotonic())
    while True:
        pause = min(direction.deadline for direction in directions) - time.monotonic()
        ready, _, _ = select.select(sources, [], [], min(max(pause, 0), 1))
        now = time.monotonic()
        for descriptor in ready:
            if descriptor != commands:
                by_source[descriptor].take(now)
                continue
            read = os.read(commands, 65536)
            if not read:
                return
            *lines, unread = (unread + read).split(b"\n")
            for line in lines:
                number, conditions = json.loads(line)
                directions[number].conditions = Conditions(**conditions)
                tell(now)
        for direction in directions:
            direction.advance(now)


def tell(value: Any) -> None:
    print(json.dumps(value), flush=True)


def take_precedence() -> None:
    """What shares the processor must not look like the network. Whoever may not have precedence goes without."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pass
    # nothing here makes cycles
    gc.disable()


def main(arguments: list[str]) -> None:
    take_precedence()
    directions = []
    for number, argument in enumerate(arguments):
        source, sink = map(int, argument.split(","))
        os.set_blocking(source, False)
        directions.append(Direction(source, sink, random.Random(number)))
    run(directions, sys.stdin.fileno())
    tell([{"lateness": direction.lateness, "packets": direction.record} for direction in directions])


if __name__ == "__main__":
    main(sys.argv[1:])
