"""A program of a persona's own that starts one kernel as a Jupyter server does, and does what it is told, line by line.

It is a process of its own so that a test can kill it, as servers are killed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from pathlib import Path
from typing import Any

from tests.personas import Persona

PROGRAM = r"""
import json, os, queue, sys, time
from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name=sys.argv[1])
client = None

def connect():
    global client
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)

def start():
    manager.start_kernel(cwd=os.getcwd())
    connect()
    return [manager.provisioner.pid, getattr(manager.provisioner, "folder", ""), manager.connection_file]

ticket = ""

def send(code):
    global ticket
    ticket = client.execute(code, allow_stdin=False)

def finish(limit=40):
    "status, what was printed, and the exception's class, of the cell that was sent last"
    end, said, status = time.monotonic() + limit, "", ""
    while True:
        message = client.get_iopub_msg(timeout=max(0.01, end - time.monotonic()))
        if message["parent_header"].get("msg_id") != ticket:
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            said += content["text"]
        elif message["msg_type"] == "error":
            status = content["ename"]
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            return [status or "ok", said]

def run(code):
    send(code)
    return finish()

def said(text, limit=20):
    "until the cell has printed this"
    end, seen = time.monotonic() + limit, ""
    while text not in seen:
        message = client.get_iopub_msg(timeout=max(0.01, end - time.monotonic()))
        seen += message["content"].get("text", "")

def interrupt():
    manager.interrupt_kernel()

def restart(now=False):
    client.stop_channels()
    manager.restart_kernel(now=now)
    connect()

def shutdown(now=False):
    client.stop_channels()
    manager.shutdown_kernel(now=now)

def dead(limit=20):
    "until the kernel is seen to be dead; why, if the provisioner knows"
    end = time.monotonic() + limit
    while manager.is_alive():
        assert time.monotonic() < end, "it lives"
        time.sleep(0.02)
    return manager.provisioner.reason

def outside(path):
    return manager.provisioner.resolve_path(path)

for line in sys.stdin:
    name, arguments = json.loads(line)
    try:
        answer = [True, globals()[name](*arguments)]
    except BaseException as error:
        answer = [False, repr(error)]
    print(json.dumps(answer), flush=True)
"""


class ServedKernel:
    """The kernel `name` of a persona, served by a process of its own; every method of PROGRAM is one here."""

    def __init__(self, persona: Persona, name: str) -> None:
        self._errors = (Path(persona.folder) / "served.log").open("wb")
        self._process = persona.popen(
            ["python3", "-c", PROGRAM, name],
            env={"JUPYTER_PLATFORM_DIRS": "1", "IPYTHONDIR": str(persona.folder / "ipython")},
            stdin=-1,
            stderr=self._errors,
        )
        self.log = Path(self._errors.name)
        self.pid, folder, connection_file = self.ask("start")
        self.folder = Path(folder)
        self.connection_file = Path(connection_file)

    def ask(self, name: str, *arguments: Any, limit: float = 90) -> Any:
        """One request to the program, answered."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([name, arguments]).encode() + b"\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], limit)
        assert ready, f"{name} was not answered within {limit} s: {self.log.read_text()}"
        line = self._process.stdout.readline()
        assert line, f"the server went away: {self.log.read_text()}"
        good, answer = json.loads(line)
        assert good, f"{name}: {answer}\n{self.log.read_text()}"
        return answer

    def run(self, code: str) -> list[str]:
        """[status, output] of one cell."""
        found: list[str] = self.ask("run", code)
        return found

    def ok(self, code: str) -> str:
        """The output of one cell that must succeed."""
        status, output = self.run(code)
        assert status == "ok", (status, output)
        return output.removesuffix("\n")

    def kill_server(self) -> None:
        """SIGKILL, to the serving process alone."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the server, if it is there."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._errors):
            if file:
                file.close()


def until_gone(path: Path, seconds: float = 15) -> None:
    """Wait until nothing is at `path`."""
    deadline = time.monotonic() + seconds
    while path.exists():
        assert time.monotonic() < deadline, f"{path} is still there"
        time.sleep(0.02)
