"""Inside the guest: does what the test says over the second serial line, one command at a time.

A line in is a JSON object {"run": [...], "env": {...}, "user": NAME, "cwd": …, "input": …}; lines out are
{"out": TEXT} and {"err": TEXT} while it runs, at last {"exit": NUMBER}.  The agent's first line is {"up": seconds}.
"""

from __future__ import annotations

import json
import os
import pwd
import selectors
import subprocess
import sys
import termios
import tty

LINE = "/dev/ttyS1"


def main() -> None:
    line = os.open(LINE, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    tty.setraw(line, termios.TCSANOW)
    with open("/proc/uptime", encoding="ascii") as file:
        send(line, {"up": float(file.read().split()[0])})
    waiting = b""
    while chunk := os.read(line, 65536):
        waiting += chunk
        while b"\n" in waiting:
            words, _, waiting = waiting.partition(b"\n")
            request = json.loads(words)
            if "leave" in request:
                send(line, {"exit": 0})
                return
            send(line, {"exit": run(line, request)})


def send(line: int, document: dict[str, object]) -> None:
    data = json.dumps(document).encode() + b"\n"
    while data:
        data = data[os.write(line, data) :]


def run(line: int, request: dict[str, object]) -> int:
    """One command; what it says goes out as it comes."""
    identity: dict[str, object] = {}
    if user := request.get("user"):
        entry = pwd.getpwnam(str(user))
        identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    given = request.get("input")
    try:
        process = subprocess.Popen(
            request["run"],
            env={**os.environ, **request.get("env", {})},
            cwd=request.get("cwd", "/"),
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=0o022,
            **identity,
        )
    except OSError as error:
        send(line, {"err": f"{error}\n"})
        return 127
    if given:
        process.stdin.write(str(given).encode())
        process.stdin.close()
    with selectors.DefaultSelector() as streams:
        streams.register(process.stdout, selectors.EVENT_READ, "out")
        streams.register(process.stderr, selectors.EVENT_READ, "err")
        # The command's end is the end: what it left running may hold the pipes for ever.
        end = os.pidfd_open(process.pid)
        streams.register(end, selectors.EVENT_READ, "end")
        ended = False
        while not ended:
            ready = streams.select()
            ended = any(key.data == "end" for key, _ in ready)
            for key, _ in ready:
                if key.data != "end":
                    ended_one = not forward(line, key.data, key.fileobj.fileno())
                    if ended_one:
                        streams.unregister(key.fileobj)
        for key in list(streams.get_map().values()):
            if key.data != "end":
                os.set_blocking(key.fileobj.fileno(), False)
                while forward(line, key.data, key.fileobj.fileno()):
                    pass
        os.close(end)
    return process.wait()


def forward(line: int, name: str, stream: int) -> bool:
    """False when nothing is left."""
    try:
        data = os.read(stream, 32768)
    except BlockingIOError:
        return False
    if data:
        send(line, {name: data.decode(errors="replace")})
    return bool(data)


if __name__ == "__main__":
    sys.exit(main())
