"""The daemon under test: the release binary, on its test card and tone unless told otherwise."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from network import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("DOORWARD_BINARY", ROOT / ".build/release/doorward"))


class Daemon:
    """`doorward run` with the given settings, from start to SIGTERM; `through` is a command that starts it."""

    def __init__(self, settings: dict[str, Any] | None = None, through: list[str] | None = None):
        self._folder = tempfile.TemporaryDirectory(prefix="doorward-state-")
        self._log = Path(self._folder.name) / "doorward.log"
        everything = {
            "web.port": 0,
            "web.https": "false",
            # but for the tests of who may come in
            "web.authentication": "none",
            "network.stun_fallback": "",
            "state.folder": self._folder.name,
            **(settings or {}),
        }
        self._arguments = [argument for key, value in everything.items() for argument in ("--set", f"{key}={value}")]
        with self._log.open("wb") as log:
            command = [*(through or []), str(BINARY), "run", *self._arguments]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            self.port = int(self.wait_for_log(r"http://[^\s/]+:(\d+)/")[1])
        except BaseException:
            self.stop()
            raise

    @property
    def state_folder(self) -> str:
        return self._folder.name

    @property
    def secure_port(self) -> int:
        """The port for HTTPS, where `web.https` is on."""
        return int(self.wait_for_log(r"https://[^\s/]+:(\d+)/")[1])

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def url(self, host: str = LOOPBACK, path: str = "") -> str:
        return f"http://{host}:{self.port}/{path}"

    def ring(self) -> float:
        """Presses the button of this daemon, by the command that a shell has for it; returns when that was begun."""
        begun = time.time()
        self.ask("ring")
        return begun

    def ask(self, *command: str) -> str:
        """What a command of `doorward` that speaks to this daemon prints."""
        result = subprocess.run([str(BINARY), *command, *self._arguments], capture_output=True, text=True, timeout=20)
        if result.returncode != 0:
            raise AssertionError(f"doorward {command}: {result.returncode}\n{result.stdout}{result.stderr}\n{self.log}")
        return result.stdout

    def pairing_code(self) -> str:
        """A code that lets an owner's device in: the last line of what `doorward pair` prints."""
        return self.ask("pair").splitlines()[-1]

    def status(self) -> dict[str, Any]:
        """What `GET /api/status` says."""
        with urllib.request.urlopen(self.url(path="api/status"), timeout=5) as answer:
            return json.load(answer)

    def wait_for_status(self, condition, seconds: float) -> dict[str, Any]:
        """Waits until `condition(status)` holds."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.status()
            if condition(status):
                return status
            if time.monotonic() > deadline:
                raise AssertionError(f"the daemon's status did not come about within {seconds} s: {status}\n{self.log}")
            time.sleep(0.05)

    def wait_for_log(self, pattern: str, seconds: float = 20) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.log)
            if found:
                return found
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not in the daemon's log within {seconds} s: {pattern}\n{self.log}")
            time.sleep(0.02)

    def stop(self) -> float:
        """Ends the daemon by SIGTERM and returns how long that took, in seconds."""
        start = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the daemon did not end within 10 s of SIGTERM:\n{self.log}") from None
        return time.monotonic() - start
