"""Firefox, driven by WebDriver BiDi over its own WebSocket (Debian has no geckodriver)."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from authority import install_authority
from browser import Browser, Page

EXECUTABLE = os.environ.get("DOORWARD_FIREFOX", "/usr/bin/firefox-esr")

PREFERENCES = {
    # Quiet: nothing that Firefox does of its own accord belongs into a test.
    "app.update.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    # A microphone that is not there, and nobody to ask for it.
    "media.autoplay.default": 0,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    # H.264 through the system's libavcodec, since OpenH264 would be a download.
    "gfx.blacklist.webrtc.hw.acceleration.h264": 1,
    "media.webrtc.hw.h264.enabled": True,
}

KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004"}


class BiDiError(Exception):
    pass


class Session:
    """Commands and their answers; events that arrive between are kept."""

    def __init__(self, socket: ClientConnection):
        self._socket = socket
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def command(self, method: str, parameters: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
        self._last += 1
        number = self._last
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        deadline = time.monotonic() + seconds
        while True:
            message = json.loads(self._socket.recv(timeout=max(0.001, deadline - time.monotonic())))
            if message.get("id") != number:
                self.events.append(message)
                continue
            if message["type"] == "error":
                raise BiDiError(f"{method}: {message['error']}: {message['message']}")
            return message["result"]


class FirefoxPage(Page):
    def __init__(self, session: Session, person: str, context: str):
        self._session = session
        self._person = person
        self._context = context

    def goto(self, url: str) -> None:
        self._command("browsingContext.navigate", url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        result = self._session.command(
            "script.evaluate",
            {
                "expression": f"(async () => JSON.stringify(await ({expression})))()",
                "target": {"context": self._context},
                "awaitPromise": True,
            },
        )
        if result["type"] == "exception":
            raise BiDiError(result["exceptionDetails"]["text"])
        value = result["result"].get("value")
        return None if value is None else json.loads(value)

    def click(self, selector: str) -> None:
        nodes = self._command("browsingContext.locateNodes", locator={"type": "css", "value": selector})["nodes"]
        if not nodes:
            raise AssertionError(f"nothing to click at {selector}\n{self.describe()}")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{ block: 'center' }})")
        origin = {"type": "element", "element": {"sharedId": nodes[0]["sharedId"]}}
        steps = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._command("input.performActions", actions=[{"type": "pointer", "id": "mouse", "actions": steps}])

    def press(self, key: str) -> None:
        value = KEYS.get(key, key)
        steps = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self._command("input.performActions", actions=[{"type": "key", "id": "keyboard", "actions": steps}])

    def resize(self, width: int, height: int) -> None:
        self._command("browsingContext.setViewport", viewport={"width": width, "height": height})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._command("browsingContext.captureScreenshot")["data"]))

    def close(self) -> None:
        self._session.command("browser.removeUserContext", {"userContext": self._person})

    @property
    def console(self) -> list[str]:
        # An answer must be awaited for the events before it to have been read.
        self.evaluate("0")
        entries = [event["params"] for event in self._session.events if event.get("method") == "log.entryAdded"]
        return [f"{entry['level']}: {entry['text']}" for entry in entries if entry["source"].get("context") == self._context]

    def _command(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._session.command(method, {"context": self._context, **parameters})


class Firefox(Browser):
    name = "firefox"

    def __init__(self, preferences: dict[str, Any] | None = None, authority: Path | None = None):
        """`authority`: a certificate authority that its person has installed."""
        self._folder = tempfile.TemporaryDirectory(prefix="doorward-firefox-", ignore_cleanup_errors=True)
        profile = Path(self._folder.name)
        lines = [f"user_pref({json.dumps(key)}, {json.dumps(value)});" for key, value in {**PREFERENCES, **(preferences or {})}.items()]
        (profile / "user.js").write_text("\n".join(lines))
        if authority:
            install_authority(authority, profile)
        self._log = profile / "firefox.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [EXECUTABLE, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "MOZ_HEADLESS": "1", "HOME": str(profile)},
            )
        self._open = contextlib.ExitStack()
        self._session = Session(self._open.enter_context(connect(f"{self._address()}/session", max_size=None, ping_interval=None)))
        self._session.command("session.new", {"capabilities": {}})
        self._session.command("session.subscribe", {"events": ["log.entryAdded"]})

    def open(self, url: str, *, width: int = 1280, height: int = 800) -> FirefoxPage:
        person = self._session.command("browser.createUserContext", {})["userContext"]
        # A window, not a tab: a tab behind another is slowed down.
        context = self._session.command("browsingContext.create", {"type": "window", "userContext": person})["context"]
        page = FirefoxPage(self._session, person, context)
        page.resize(width, height)
        page.goto(url)
        return page

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process.poll() is None:
            try:
                self._session.command("browser.close", {}, seconds=10)
                self._process.wait(10)
            except (BiDiError, OSError, TimeoutError, subprocess.TimeoutExpired):
                self.kill()
        self._open.close()
        self._folder.cleanup()

    def _address(self, seconds: float = 60) -> str:
        """The address that Firefox prints once its remote agent listens."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            found = re.search(r"WebDriver BiDi listening on (ws://\S+)", self._log.read_text(errors="replace"))
            if found:
                return found[1]
            time.sleep(0.1)
        raise RuntimeError(f"Firefox did not start:\n{self._log.read_text(errors='replace')}")
