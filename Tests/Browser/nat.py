"""Two houses behind address translators of their own, and between them nothing but a TURN server's network.

    home 10.1.0.2 ── router ── 203.0.113.2 ┐
                                           ├ bridge 203.0.113.1, this process's own namespace: coturn
    away 10.1.0.2 ── router ── 203.0.113.3 ┘

Both routers masquerade by random ports, anew for each destination, and let in what was asked for. The home's forwards one TCP
port, that of the page and its signalling, where it is told to. Both houses use the same addresses, as houses do: none that one side tells of itself
leads to it from the other.
"""

from __future__ import annotations

import subprocess

from network import Namespace, wait_until_settled

SERVER = "203.0.113.1"
HOME = "203.0.113.2"
AWAY = "203.0.113.3"
INSIDE = "10.1.0.2"
GATEWAY = "10.1.0.1"
WEB_PORT = 8080


class Houses:
    """The two houses and their routers; `home` and `away` are where programs run."""

    def __init__(self, *, forwards: bool = True) -> None:
        self.home, self.away = Namespace(), Namespace()
        self._routers = [Namespace(), Namespace()]
        self._links: list[str] = []
        _ip("link add street type bridge")
        _ip(f"addr add {SERVER}/24 dev street")
        _ip("link set street up")
        for number, (house, router, address) in enumerate(zip((self.home, self.away), self._routers, (HOME, AWAY))):
            street = f"street{number}"
            _ip(f"link add {street} type veth peer name out netns {router.pid}")
            _ip(f"link set {street} master street up")
            router.run("ip", "addr", "add", f"{address}/24", "dev", "out")
            router.run("ip", "link", "set", "out", "up")
            router.run("ip", "link", "add", "in", "type", "veth", "peer", "name", "lan", "netns", str(house.pid))
            router.run("ip", "addr", "add", f"{GATEWAY}/24", "dev", "in")
            router.run("ip", "link", "set", "in", "up")
            house.run("ip", "addr", "add", f"{INSIDE}/24", "dev", "lan")
            house.run("ip", "link", "set", "lan", "up")
            house.run("ip", "route", "add", "default", "via", GATEWAY)
            router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
            router.run("nft", _RULES + _FORWARDED if forwards and address == HOME else _RULES)
        for house in (self.home, self.away):
            wait_until_settled(house.enter)

    def close(self) -> None:
        _ip("link delete street")
        for namespace in (self.home, self.away, *self._routers):
            namespace.close()


_RULES = """
    add table ip router
    add chain ip router out { type nat hook postrouting priority 100 ; }
    add rule ip router out oifname out masquerade fully-random
    add chain ip router through { type filter hook forward priority 0 ; policy drop ; }
    add rule ip router through iifname in accept
    add rule ip router through ct state established,related accept
"""
_FORWARDED = f"""
    add rule ip router through tcp dport {WEB_PORT} accept
    add chain ip router into {{ type nat hook prerouting priority -100 ; }}
    add rule ip router into iifname out tcp dport {WEB_PORT} dnat to {INSIDE}:{WEB_PORT}
"""


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True)
