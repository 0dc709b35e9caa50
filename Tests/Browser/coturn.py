"""A TURN server, Debian's coturn, on an address of the tests' own network."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from network import LAN_ADDRESS
from server import Server

USERNAME = "door"
PASSWORD = "open sesame"
SECRET = "a secret of the house"
REALM = "turn.doorward.test"
PORT = 3478
TLS_PORT = 5349
#: What a test may ask for by name, and the URL of it.
TRANSPORTS = {"udp": "turn:{host}:3478?transport=udp", "tcp": "turn:{host}:3478?transport=tcp", "tls": "turns:{host}:5349?transport=tcp"}


def url(transport: str, address: str = LAN_ADDRESS) -> str:
    return TRANSPORTS[transport].format(host=f"[{address}]" if ":" in address else address)


@contextlib.contextmanager
def ipv6_address() -> Iterator[str]:
    """An address of the house's network, for a server."""
    address = ["fd77::1/64", "dev", "house0"]
    subprocess.run(["ip", "addr", "add", *address, "nodad"], check=True)
    try:
        yield "fd77::1"
    finally:
        subprocess.run(["ip", "addr", "del", *address], check=True)


def make_certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """A certificate for the address, signed by itself, and its key."""
    certificate, key = folder / "turn.pem", folder / "turn.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=coturn", "-addext", f"subjectAltName=IP:{address}", "-out", certificate, "-keyout", key,
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


class Coturn(Server):
    """coturn. `secret`: credentials are made from it and expire; else they are USERNAME and PASSWORD."""

    name = "coturn"
    # the latter is the last of its listeners
    ports = (PORT, TLS_PORT)

    def __init__(
        self, *options: str, addresses: tuple[str, ...] = (LAN_ADDRESS,), secret: str | None = None, through: list[str] | None = None
    ):
        super().__init__(through)
        self.certificate, key = make_certificate(self.folder, addresses[0])
        who = ["--use-auth-secret", f"--static-auth-secret={secret}"] if secret else [f"--user={USERNAME}:{PASSWORD}"]
        self.command = [
            "turnserver", "-n", "--no-cli", "--verbose", "--simple-log", "--log-file=stdout",
            f"--pidfile={self.folder}/pid", f"--db={self.folder}/turndb", f"--realm={REALM}", "--lt-cred-mech", *who,
            *(f"--listening-ip={address}" for address in addresses), *(f"--relay-ip={address}" for address in addresses),
            f"--listening-port={PORT}", f"--tls-listening-port={TLS_PORT}", f"--cert={self.certificate}", f"--pkey={key}",
            "--min-port=50000", "--max-port=51000", "--allow-loopback-peers", *options,
        ]  # fmt: skip
        self.start()

    @property
    def expiries(self) -> dict[str, list[int]]:
        """Of the names that are made from the secret, `expiry:user`, the expiries of each user, in order."""
        expiries: dict[str, list[int]] = {}
        for name in self.users:
            expiry, user = name.split(":")
            expiries.setdefault(user, []).append(int(expiry))
        return expiries

    @property
    def users(self) -> list[str]:
        """The names by which something was allocated, in order."""
        return list(dict.fromkeys(re.findall(r"user <([^>]+)>: incoming packet ALLOCATE processed, success", self.log)))
