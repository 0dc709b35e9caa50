"""The lab's guest, as the tests outside see it."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parent.parent
#: What `boot` gives the guest on the tap device, and who it takes to be on the other side.
TAP = "lab0"
ADDRESS = "10.78.0.2"
HOST_ADDRESS = "10.78.0.1"
AGENT_PORT = 7077


def make_tap():
    """The network between this namespace and the guest."""
    # No IPv6: an address that appears while a browser loads a page makes it give up (ERR_NETWORK_CHANGED).
    # The guest's driver has room for single packets; of several that the kernel leaves together for the device to part (GSO) it
    # loses all but the first, and each is sent again 200 ms later.
    for command in (f"tuntap add dev {TAP} mode tap", f"addr add {HOST_ADDRESS}/24 dev {TAP}", f"link set {TAP} addrgenmode none gso_max_segs 1 up"):
        subprocess.run(["ip", *command.split()], check=True)


class Guest:
    """A booted guest on the tap device TAP of this network namespace; guest_agent.py runs in it."""

    def __init__(self):
        # Beforehand, because it may take minutes.
        subprocess.run([HERE / "build-kernel"], check=True)
        self.share = pathlib.Path(tempfile.mkdtemp(prefix="lab-"))
        self._conversation = None
        self._boot = subprocess.Popen(
            [HERE / "boot", "-T", TAP, "-t", "900", "-o", self.share, "--"]
            + [f"env > $LAB_SHARE/environment; exec /usr/bin/python3 '{HERE}/guest_agent.py' {AGENT_PORT}"],
            stdin=subprocess.DEVNULL,
        )
        try:
            self._conversation = self._connect(time.monotonic() + 60).makefile("rw")
        except BaseException:
            self.close()
            raise
        lines = (self.share / "environment").read_text().splitlines()
        self.environment = dict(line.split("=", 1) for line in lines if "=" in line)

    def _connect(self, give_up):
        while True:
            if self._boot.poll() is not None:
                raise RuntimeError(f"the guest ended with status {self._boot.returncode} before its tests")
            try:
                return socket.create_connection((ADDRESS, AGENT_PORT), timeout=120)
            except OSError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)

    def _ask(self, request):
        self._conversation.write(json.dumps(request) + "\n")
        self._conversation.flush()
        reply = json.loads(self._conversation.readline())
        assert reply["status"] == 0, f"{request} in the guest: {reply}"
        return reply["output"]

    def run(self, command, timeout=30):
        """The output of a shell command, which must succeed."""
        return self._ask({"run": command, "timeout": timeout})

    def start(self, command, log):
        """Starts a command in the background; its output goes to `log` in the shared folder. Its process id."""
        return int(self.run(f"setsid {command} > $LAB_SHARE/{log} 2>&1 & echo $!"))

    def is_running(self, process):
        return self.run(f"kill -0 {process} 2>/dev/null && echo yes || echo no").strip() == "yes"

    def write(self, path, text):
        self._ask({"write": path, "text": text})

    def read(self, path):
        return self._ask({"read": path})

    def close(self):
        try:
            if self._conversation:
                self._conversation.write(json.dumps({"end": True}) + "\n")
                self._conversation.flush()
                self._boot.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            pass
        finally:
            if self._boot.poll() is None:
                self._boot.terminate()
                self._boot.wait(20)
            kept = os.environ.get("LAB_LOGS")
            if kept:
                shutil.copytree(self.share, kept, dirs_exist_ok=True)
            shutil.rmtree(self.share, ignore_errors=True)
