"""Chromium, driven by Playwright."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser as Instance
from playwright.sync_api import BrowserContext, Playwright
from playwright.sync_api import Page as Tab

from browser import Browser, Page

EXECUTABLE = os.environ.get("DOORWARD_CHROMIUM", "/usr/bin/chromium")

FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


class ChromiumPage(Page):
    def __init__(self, context: BrowserContext):
        self._context = context
        self._tab: Tab = context.new_page()
        self._protocol = context.new_cdp_session(self._tab)
        self._console: list[str] = []
        self._tab.on("console", lambda message: self._console.append(f"{message.type}: {message.text}"))
        self._tab.on("pageerror", lambda error: self._console.append(f"uncaught: {error}"))

    def goto(self, url: str) -> None:
        self._tab.goto(url)

    def evaluate(self, expression: str) -> Any:
        # Not Playwright's own evaluate, which counts as a touch of the user and so would unlock sound by looking at it.
        result = self._protocol.send(
            "Runtime.evaluate",
            {"expression": f"(async () => JSON.stringify(await ({expression})))()", "awaitPromise": True, "userGesture": False},
        )
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        value = result["result"].get("value")
        return None if value is None else json.loads(value)

    def click(self, selector: str) -> None:
        self._tab.click(selector)

    def press(self, key: str) -> None:
        self._tab.keyboard.press(key)

    def resize(self, width: int, height: int) -> None:
        self._tab.set_viewport_size({"width": width, "height": height})

    def screenshot(self, path: Path) -> None:
        self._tab.screenshot(path=path)

    def close(self) -> None:
        self._context.close()

    @property
    def console(self) -> list[str]:
        return self._console


class Chromium(Browser):
    name = "chromium"

    def __init__(
        self,
        playwright: Playwright,
        *,
        microphone: Path | None = None,
        flags: list[str] | None = None,
        program: Path | None = None,
        environment: dict[str, str] | None = None,
    ):
        """`microphone`: a WAV file that the fake microphone plays in a loop, instead of its beeps. `program`: what starts it."""
        capture = [f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []
        self._instance: Instance = playwright.chromium.launch(
            executable_path=program or EXECUTABLE, args=[*(FLAGS if flags is None else flags), *capture], env=environment
        )

    def open(
        self,
        url: str,
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        touch: bool = False,
        scale: float = 1,
        locale: str = "en-US",
    ) -> ChromiumPage:
        context = self._instance.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            device_scale_factor=scale,
            locale=locale,
        )
        page = ChromiumPage(context)
        page.goto(url)
        return page

    def kill(self) -> None:
        # Its children die with it: the browser process is the one that Playwright's own node process started.
        session = self._instance.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        for process in processes:
            try:
                os.kill(process["id"], signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self) -> None:
        if self._instance.is_connected():
            self._instance.close()


