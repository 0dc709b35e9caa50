"""Runs in the lab's guest and does what the tests outside ask for: one JSON object a line over TCP, answered by one JSON object.

    {"run": "shell command", "timeout": seconds}  ->  {"status": 0, "output": "…"}
    {"write": "path", "text": "…"}                ->  {"status": 0, "output": ""}     without the cost of starting a shell
    {"read": "path"}                              ->  {"status": 0, "output": "…"}

It ends when the connection that said {"end": true} says so; the guest then powers off.
"""

import json
import socketserver
import subprocess
import sys


def answer(request):
    if "write" in request:
        with open(request["write"], "w") as file:
            file.write(request["text"])
        return {"status": 0, "output": ""}
    if "read" in request:
        with open(request["read"]) as file:
            return {"status": 0, "output": file.read()}
    done = subprocess.run(
        ["bash", "-c", request["run"]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=request.get("timeout", 30),
    )
    return {"status": done.returncode, "output": done.stdout.decode(errors="replace")}


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            request = json.loads(line)
            if "end" in request:
                self.server.shutdown()
                return
            try:
                reply = answer(request)
            except (OSError, subprocess.TimeoutExpired) as error:
                reply = {"status": -1, "output": str(error)}
            self.wfile.write(json.dumps(reply).encode() + b"\n")


class Agent(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Agent(("", int(sys.argv[1])), Conversation).serve_forever()
