"""A TURN server, Debian's coturn, on an address of the tests' own network."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from network import LAN_ADDRESS

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


class Coturn:
    """coturn, from start to SIGTERM. `secret`: credentials are made from it and expire; else they are USERNAME and PASSWORD."""

    def __init__(
        self, *options: str, addresses: tuple[str, ...] = (LAN_ADDRESS,), secret: str | None = None, through: list[str] | None = None
    ):
        self._folder = tempfile.TemporaryDirectory(prefix="doorward-coturn-")
        folder = Path(self._folder.name)
        self._log = folder / "coturn.log"
        self.certificate, key = make_certificate(folder, addresses[0])
        self._address = addresses[0]
        who = ["--use-auth-secret", f"--static-auth-secret={secret}"] if secret else [f"--user={USERNAME}:{PASSWORD}"]
        self._command = [
            *(through or []), "turnserver", "-n", "--no-cli", "--verbose", "--simple-log", "--log-file=stdout",
            f"--pidfile={folder}/pid", f"--db={folder}/turndb", f"--realm={REALM}", "--lt-cred-mech", *who,
            *(f"--listening-ip={address}" for address in addresses), *(f"--relay-ip={address}" for address in addresses),
            f"--listening-port={PORT}", f"--tls-listening-port={TLS_PORT}", f"--cert={self.certificate}", f"--pkey={key}",
            "--min-port=50000", "--max-port=51000", "--allow-loopback-peers", *options,
        ]  # fmt: skip
        self._through = through or []
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 10
        # the last of its listeners
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"coturn does not start:\n{self.log}")
            time.sleep(0.05)

    def _listens(self) -> bool:
        command = [*self._through, "ss", "-Hltn", f"sport = :{TLS_PORT}"]
        return self._address in subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def stop(self) -> None:
        """As a crash does: its clients are told nothing."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for_log(self, pattern: str, seconds: float = 10) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.log)):
            if time.monotonic() > deadline:
                raise AssertionError(f"not in coturn's log within {seconds} s: {pattern}\n{self.log}")
            time.sleep(0.02)
        return found

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
