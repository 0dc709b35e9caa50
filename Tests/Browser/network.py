"""A network of the tests' own: nothing outside reaches the daemon, and nothing here reaches outside."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from typing import Any

CLONE_NEWNET = 0x40000000

#: The machine's address in the private network. To a browser a page from here is not a secure context, while one from
#: LOOPBACK is: the microphone exists only there.
LAN_ADDRESS = "10.77.0.1"
LOOPBACK = "127.0.0.1"


def enter_private_network_for(config: Any) -> None:
    """What pytest's configuration is for a fresh network: each of pytest-xdist's workers has one of its own. The process that directs
    them stays where it is, for that is where they keep in touch with it."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        enter_private_network()


def enter_private_network() -> None:
    """Moves this process, and all it starts from now on, into a fresh network namespace.

    A veth pair stands in for the house's network: with nothing but loopback Firefox gathers no candidates.
    """
    if os.geteuid() != 0:
        raise PermissionError("the browser tests make a network namespace and so need root")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")
    for command in (
        "link set lo up",
        "link add house0 type veth peer name house1",
        f"addr add {LAN_ADDRESS}/24 dev house0",
        "link set house0 up",
        "link set house1 up",
        # Without a default route Firefox, until it may use the microphone, finds no address that it would offer.
        "route add default dev house0",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    wait_until_settled()


def wait_until_settled(enter: list[str] = []) -> None:
    """Waits until nothing changes any more in the network that `enter` leads to (its own, without): a browser that is there before gives
    up its requests (ERR_NETWORK_CHANGED). IPv6 checks each of its addresses for a duplicate first, for a second or two."""
    deadline = time.monotonic() + 10
    while True:
        addresses = subprocess.run([*enter, "ip", "addr"], check=True, capture_output=True, text=True).stdout
        if "tentative" not in addresses and "state UP" in addresses:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the network did not settle:\n{addresses}")
        time.sleep(0.05)


class Namespace:
    """A network namespace, for as long as its process lives. `enter` is the command that starts another in it."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        ours = subprocess.run(["readlink", "/proc/self/ns/net"], check=True, capture_output=True, text=True).stdout
        deadline = time.monotonic() + 5
        while self._link() in ("", ours):
            if time.monotonic() > deadline:
                raise TimeoutError("no namespace came about")
            time.sleep(0.01)
        self.run("ip", "link", "set", "lo", "up")

    def _link(self) -> str:
        return subprocess.run(["readlink", f"/proc/{self._holder.pid}/ns/net"], capture_output=True, text=True).stdout

    @property
    def pid(self) -> int:
        return self._holder.pid

    @property
    def enter(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]

    def run(self, *command: str) -> None:
        subprocess.run([*self.enter, *command], check=True)

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()
