"""An MQTT broker, Debian's Mosquitto: the meeting point of doors and pages, with TLS, names and an access list."""

from __future__ import annotations

import subprocess
from pathlib import Path

from network import LAN_ADDRESS
from server import Server

#: The door's account and the one that pages share.
DOOR = ("door", "open sesame")
PAGES = ("pages", "knock knock")
#: Whoever runs the broker, or has broken into it.
MASTER = ("master", "skeleton key")
PORT = 8883
WEB_SOCKET_PORT = 9443

#: What each account may do, whatever the door's id.
ACCESS = """
user door
topic read doorward/+/in/+
topic write doorward/+/out/+
topic write doorward/+/state

user pages
topic write doorward/+/in/+
topic read doorward/+/out/+
topic read doorward/+/state

user master
topic readwrite #
"""


class Mosquitto(Server):
    """The broker. MQTT over TLS for doors, over a WebSocket with TLS for pages; with `tls` false both in the clear. `authority` is what
    signed its certificate."""

    name = "mosquitto"
    ports = (PORT, WEB_SOCKET_PORT)

    def __init__(self, address: str = LAN_ADDRESS, *, tls: bool = True, through: list[str] | None = None):
        super().__init__(through)
        self.address, self.is_secure = address, tls
        self.authority = self.folder / "authority.crt"
        certificate, key = _make_certificate(self.folder, address)
        passwords, access, configuration = (self.folder / name for name in ("passwords", "access", "mosquitto.conf"))
        for name, password in (DOOR, PAGES, MASTER):
            create = [] if passwords.exists() else ["-c"]
            subprocess.run(["mosquitto_passwd", "-b", *create, passwords, name, password], check=True, capture_output=True)
        access.write_text(ACCESS)
        encrypted = f"certfile {certificate}\nkeyfile {key}\n" if tls else ""
        configuration.write_text(
            f"per_listener_settings false\nallow_anonymous false\npassword_file {passwords}\nacl_file {access}\n"
            "persistence false\nlog_dest stdout\nlog_type all\nconnection_messages true\nuser root\n"
            f"listener {PORT} {address}\n{encrypted}"
            f"listener {WEB_SOCKET_PORT} {address}\nprotocol websockets\n{encrypted}"
        )
        self.command = ["mosquitto", "-c", configuration]
        self.start()

    @property
    def url(self) -> str:
        """Where doors connect to."""
        return f"{'mqtts' if self.is_secure else 'mqtt'}://{self.address}:{PORT}"

    @property
    def page_url(self) -> str:
        """Where pages connect to."""
        return f"{'wss' if self.is_secure else 'ws'}://{self.address}:{WEB_SOCKET_PORT}/mqtt"

    def settings(self) -> dict[str, object]:
        """A door's settings for meeting here."""
        authority = {"meeting.ca_file": self.authority} if self.is_secure else {}
        return {
            "meeting.url": self.url,
            "meeting.username": DOOR[0],
            "meeting.password": DOOR[1],
            "meeting.page_broker_url": self.page_url,
            "meeting.page_username": PAGES[0],
            "meeting.page_password": PAGES[1],
            **authority,
        }


def _make_certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """A certificate for the address and its key, signed by an authority made for it: `authority.crt` in the folder."""
    authority = folder / "authority.crt"
    authority_key, certificate, key, request, extensions = (
        folder / name for name in ("authority.key", "broker.crt", "broker.key", "broker.csr", "extensions")
    )
    extensions.write_text(f"subjectAltName=IP:{address}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for arguments in (
        ["req", "-x509", *new_key, "-days", "2", "-subj", "/CN=broker's authority", "-out", authority, "-keyout", authority_key],
        ["req", *new_key, "-subj", "/CN=broker", "-out", request, "-keyout", key],
        [
            "x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-days", "2",
            "-extfile", extensions, "-out", certificate,
        ],
    ):  # fmt: skip
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    return certificate, key
