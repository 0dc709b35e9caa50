"""What every test may do with a browser, whichever it is."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any


class Page(ABC):
    """One tab. Expressions are JavaScript; promises are waited for; values come back through JSON."""

    @abstractmethod
    def goto(self, url: str) -> None: ...

    @abstractmethod
    def evaluate(self, expression: str) -> Any: ...

    @abstractmethod
    def click(self, selector: str) -> None:
        """A real click, by the pointer."""

    @abstractmethod
    def press(self, key: str) -> None:
        """A real key: a character, or "Enter", "Escape", "Tab"."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None: ...

    @abstractmethod
    def screenshot(self, path: Path) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @property
    @abstractmethod
    def console(self) -> list[str]:
        """Every line the page wrote to its console so far."""

    def wait_for(self, expression: str, seconds: float = 10) -> Any:
        """Waits, inside the page, until the expression is truthy, and returns its value."""
        polling = f"""(async () => {{
            const end = performance.now() + {seconds * 1000};
            for (;;) {{
                const value = await ({expression});
                if (value) return value;
                if (performance.now() > end) return null;
                await new Promise((resolve) => setTimeout(resolve, 15));
            }}
        }})()"""
        value = self.evaluate(polling)
        if value is None:
            raise AssertionError(f"not true within {seconds} s: {expression}\n{self.describe()}")
        return value

    def wait_through_reload(self, expression: str, seconds: float = 10) -> None:
        """Waits from outside until the expression is truthy: the page is loaded anew, and what runs in it is lost."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.evaluate(expression):
                    return
            except Exception:  # It is being loaded.
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"not true within {seconds} s: {expression}")
            time.sleep(0.02)

    def wait_for_address(self, url: str, seconds: float = 20) -> None:
        """Waits until the page has gone to the URL by itself."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                address = self.evaluate("location.href")
            except Exception as error:  # A page that is being left answers nothing.
                address = f"nowhere: {error}"
            if address == url:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"not at {url} within {seconds} s, but at {address}")
            time.sleep(0.05)

    def wait_for_phase(self, *phases: str, seconds: float = 10) -> str:
        """Waits until the page's call is in one of the phases of session.js."""
        names = json.dumps(phases)
        return self.wait_for(f"{names}.find((phase) => phase === window.doorward?.state.status.phase)", seconds)

    def wait_until_ready(self) -> None:
        """Waits until the page is connected to the door and may be used."""
        self.wait_for("window.doorward?.state.connection.phase === 'open'")

    def text(self, selector: str) -> str:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText.trim()")

    def is_visible(self, selector: str) -> bool:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).checkVisibility()")

    def inbound(self, kind: str) -> dict[str, Any]:
        """The inbound-rtp statistics of "video" or "audio"; empty while there are none."""
        return self.evaluate(
            f"""(async () => {{
                const reports = await window.doorward.peerConnection?.getStats() ?? new Map();
                return [...reports.values()].find((report) => report.type === "inbound-rtp" && report.kind === "{kind}") ?? {{}};
            }})()"""
        )

    def describe(self) -> str:
        """What the page thinks, for the message of a failed test."""
        state = self.evaluate("JSON.stringify(window.doorward?.state ?? null)")
        return "\n".join([f"state: {state}", "console:", *self.console[-30:]])


class Browser(ABC):
    """One running browser with a fake microphone; every page is a person of its own (nothing shared with the others)."""

    name: str

    @abstractmethod
    def open(self, url: str, *, width: int = 1280, height: int = 800) -> Page: ...

    @abstractmethod
    def kill(self) -> None:
        """Ends the browser as a crash does: at once, saying good-bye to nobody."""

    @abstractmethod
    def stop(self) -> None: ...
