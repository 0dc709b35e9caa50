"""A program that is told what to do by lines of JSON, and answers by them."""

from __future__ import annotations

import base64
import json
import queue
import subprocess
import threading
import time
from typing import Any


class Refusal(Exception):
    """The program could not do what it was told."""


def written(message: str | bytes) -> dict[str, str]:
    """A message of a data channel as it stands in a line."""
    return {"text": message} if isinstance(message, str) else {"bytes": base64.b64encode(message).decode()}


def read(line: dict[str, str]) -> str | bytes:
    """The message that `written` wrote."""
    return line["text"] if "text" in line else base64.b64decode(line["bytes"])


class LineProgram:
    """Each command is a line `{"id": …, "action": …}`; the line with the same `id` answers it. Other lines are kept in `notices`."""

    def __init__(self, command: list[str]):
        self.notices: list[dict[str, Any]] = []
        self._name = command[-1]
        self._last = 0
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: list[str] = []
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        for stream, take in ((self._process.stdout, self._lines.put), (self._process.stderr, self._errors.append)):
            threading.Thread(target=self._read, args=(stream, take), daemon=True).start()

    def ask(self, action: str, seconds: float = 10, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"id": self._last, "action": action, **parameters}) + "\n")
        except BrokenPipeError:
            raise AssertionError(self.describe(f"ended before {action}")) from None
        deadline = time.monotonic() + seconds
        while True:
            line = self._next_line(max(0.001, deadline - time.monotonic()), action)
            if line.get("id") != self._last:
                self.notices.append(line)
                continue
            if "error" in line:
                raise Refusal(f"{action}: {line['error']}")
            return line

    def ask_again(self, action: str, seconds: float = 10, **parameters: Any) -> dict[str, Any]:
        """Asks until the program does not refuse."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.ask(action, **parameters)
            except Refusal:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """Ends the program by ending its input."""
        assert self._process.stdin
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def describe(self, what: str) -> str:
        return f"{self._name} {what} (status {self._process.poll()})\n{''.join(self._errors[-40:])}"

    def _next_line(self, seconds: float, action: str) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(self.describe(f"did not answer {action} within its time")) from None
        if line is None:
            raise AssertionError(self.describe(f"ended before it answered {action}"))
        return json.loads(line)

    def _read(self, stream: Any, take: Any) -> None:
        for line in stream:
            take(line)
        if take == self._lines.put:
            take(None)
