"""The daemon, on test card and tone, for another WebRTC stack to call.

DOORWARD_COMMAND is what starts it (the native release when not set): board/arm-test sets it to the aarch64 build under qemu, with
DOORWARD_SCALE at about how much slower that is. DOORWARD_ARGUMENTS are further arguments of `doorward run`.
"""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import time

import pytest

REPOSITORY = pathlib.Path(__file__).parent.parent.parent
SCALE = float(os.environ.get("DOORWARD_SCALE", "1"))


class Daemon:
    """A running `doorward run`."""

    def __init__(self, folder):
        self._log = folder / "daemon.log"
        command = shlex.split(os.environ.get("DOORWARD_COMMAND", str(REPOSITORY / ".build/release/doorward")))
        settings = {
            "web.address": "127.0.0.1",
            "web.port": "0",
            "video.source": "test_card",
            "video.width": "320",
            "video.height": "180",
            "video.frame_rate": "10",
            "audio.capture": "tone",
            "audio.playback": "none",
            "button.enabled": "false",
            "state.folder": str(folder / "state"),
        }
        arguments = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        arguments += shlex.split(os.environ.get("DOORWARD_ARGUMENTS", ""))
        with self._log.open("wb") as log:
            self.process = subprocess.Popen([*command, "run", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.origin = self._await_origin()

    @property
    def log(self):
        return self._log.read_text(errors="replace")

    def _await_origin(self):
        give_up = time.monotonic() + 20 * SCALE
        while True:
            if found := re.search(r"http://127\.0\.0\.1:\d+", self.log):
                return found.group()
            assert self.process.poll() is None, f"the daemon ended:\n{self.log}"
            assert time.monotonic() < give_up, f"the daemon does not say where its page is:\n{self.log}"
            time.sleep(0.05)

    def close(self):
        """Asks the daemon to end; how long that took, in seconds, and its exit status."""
        asked = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20 * SCALE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return time.monotonic() - asked, status


@pytest.fixture
def daemon(tmp_path):
    daemon = Daemon(tmp_path)
    yield daemon
    if daemon.process.poll() is None:
        daemon.close()
    print(daemon.log)
