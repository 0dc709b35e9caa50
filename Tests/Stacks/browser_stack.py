"""Chromium and Firefox as the other stack: page.js in a page of theirs."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from browser import Browser
from lines import read, written
from network import LOOPBACK
from stack import FIRST_SIZE, SECOND_SIZE, TONE, Description, Received, Stack, Video


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class PageServer:
    """Serves this folder."""

    def __init__(self) -> None:
        handler = functools.partial(QuietHandler, directory=Path(__file__).parent)
        self._http = ThreadingHTTPServer((LOOPBACK, 0), handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.url = f"http://{LOOPBACK}:{self._http.server_port}/page.html"

    def stop(self) -> None:
        self._http.shutdown()


class BrowserStack(Stack):
    def __init__(self, browser: Browser, url: str):
        self.name = browser.name
        self._page = browser.open(url)
        self._page.wait_for("typeof window.end === 'object'")
        self._do("begin", *FIRST_SIZE, TONE)

    @functools.cache
    def why_no_pictures(self) -> str | None:
        try:
            self._page.wait_for("window.end.encodes()", seconds=4)
            return None
        except AssertionError:
            return f"{self.name} encodes no H.264 here: it does that by OpenH264, which it downloads, and Debian has no package of it"

    def offer(self) -> Description:
        return self._do("offer")

    def answer(self, offer: Description) -> Description:
        return self._do("answer", offer)

    def accept(self, answer: Description) -> None:
        self._do("accept", answer)

    def add_candidate(self, candidate: dict[str, Any]) -> None:
        self._do("addCandidate", candidate)

    def take_candidates(self) -> list[dict[str, Any]]:
        return self._do("takeCandidates")

    def state(self) -> str:
        return self._do("state")

    def received(self) -> Received:
        got = self._do("received")
        received = Received()
        for report in got["reports"]:
            if report["kind"] == "video":
                received.videos[report["mid"]] = Video(
                    report.get("framesDecoded", 0), report.get("frameWidth", 0), report.get("frameHeight", 0)
                )
            else:
                # where the page cannot measure it; a tone is all that comes
                received.level = report.get("totalAudioEnergy", 0)
        if got.get("sound"):
            received.frequency, received.level = got["sound"]["frequency"], got["sound"]["level"] or 0
        return received

    def wait_for_early_checks(self) -> None:
        # Chromium makes them within a second, Firefox makes none
        with contextlib.suppress(AssertionError):
            self._page.wait_for("window.end.hasChecked()", seconds=3)

    def restart_ice(self) -> None:
        self._do("restartICE")

    def add_video(self) -> None:
        self._do("addVideo", *SECOND_SIZE)

    def remove_video(self) -> None:
        self._do("removeVideo")

    def create_channel(self, label: str) -> None:
        self._do("createChannel", label)

    def send(self, label: str, message: str | bytes) -> None:
        self._page.wait_for(f"window.end.isOpen({json.dumps(label)})")
        self._do("send", label, written(message))

    def messages(self, label: str) -> list[str | bytes]:
        return [read(message) for message in self._do("messages", label)]

    def close(self) -> None:
        self._page.close()

    def _do(self, name: str, *arguments: Any) -> Any:
        return self._page.evaluate(f"(async () => (await end.{name}({', '.join(map(json.dumps, arguments))})) ?? null)()")
