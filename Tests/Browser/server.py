"""A server that is a program of Debian's, for as long as a test needs it."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self


class Server:
    """A program, from start to end; `through` is a command that starts it. What it writes is its log."""

    #: How messages of failed tests call it.
    name: str
    #: What starts it, in full.
    command: list[str | Path]
    #: It serves as soon as it listens at all of these TCP ports.
    ports: tuple[int, ...]

    def __init__(self, through: list[str] | None = None) -> None:
        self._through = through or []
        self._folder = tempfile.TemporaryDirectory(prefix=f"doorward-{self.name}-")
        self.folder = Path(self._folder.name)
        self._log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([*self._through, *self.command], stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 10
        while not all(self._listens(port) for port in self.ports):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} does not start:\n{self.log}")
            time.sleep(0.02)

    def _listens(self, port: int) -> bool:
        command = [*self._through, "ss", "-Hltn", f"sport = :{port}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout != ""

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
                raise AssertionError(f"not in the log of {self.name} within {seconds} s: {pattern}\n{self.log}")
            time.sleep(0.02)
        return found
