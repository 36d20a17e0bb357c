"""A real IPython kernel as a persona, driven as a frontend drives it."""

from __future__ import annotations

import os
import queue
import time
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

from tests.personas import Persona

READY = "%load_ext ipycontainer"


class _Manager(KernelManager):
    """Gives the connection file to the account that the kernel runs as."""

    owner: tuple[int, int] = (-1, -1)

    def write_connection_file(self, **options: Any) -> None:
        super().write_connection_file(**options)
        os.chown(self.connection_file, *self.owner)


class Reply:
    """All that one cell brought back."""

    def __init__(self) -> None:
        self.status = ""
        self.error = ""  # the exception's class
        self.sentence = ""  # its text
        self.traceback = ""
        self.out = ""
        self.err = ""
        self.data: list[dict[str, Any]] = []  # mime bundles of results and displays, in order
        self.streams: list[tuple[float, str, str]] = []  # (seconds since the cell's start, name, text)
        self.seconds = 0.0

    @property
    def plain(self) -> list[str]:
        """The text/plain of every result and display."""
        return [bundle["text/plain"] for bundle in self.data]

    def __repr__(self) -> str:
        return (
            f"{self.status} {self.error}: {self.sentence}\n--- out\n{self.out}\n--- err\n{self.err}\n--- {self.plain}"
        )


class Kernel:
    """One kernel of `persona`, in its working folder."""

    def __init__(self, persona: Persona) -> None:
        self.persona = persona
        folder = Path(persona.folder) / "jupyter"
        folder.mkdir(exist_ok=True)
        os.chown(folder, persona.uid, persona.gid)
        self.manager = _Manager(connection_file=str(folder / f"kernel-{time.monotonic_ns()}.json"))
        self.manager.owner = (persona.uid, persona.gid)
        identity: dict[str, Any] = {}
        if os.geteuid() == 0 and persona.uid:
            identity = {"user": persona.uid, "group": persona.gid, "extra_groups": []}
        environment = {**persona.environment, "IPYTHONDIR": str(folder / "ipython"), "JUPYTER_PLATFORM_DIRS": "1"}
        self.manager.start_kernel(env=environment, cwd=str(persona.work), **identity)
        self._connect()

    def _connect(self) -> None:
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def send(self, code: str) -> str:
        """Starts a cell; `finish` waits for it."""
        self.started = time.monotonic()
        return str(self.client.execute(code, allow_stdin=False, stop_on_error=False))

    def finish(self, ticket: str, timeout: float = 60) -> Reply:
        """What the cell `ticket` brought, when it has ended."""
        reply = Reply()
        deadline = self.started + timeout
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the cell did not end within {timeout} s\n{reply}") from None
            if message["parent_header"].get("msg_id") != ticket:
                continue
            self._take(reply, message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        answer = self._answer(ticket, deadline)
        reply.status, reply.seconds = answer["status"], time.monotonic() - self.started
        if answer["status"] == "error":
            reply.error, reply.sentence = answer["ename"], answer["evalue"]
        return reply

    def _answer(self, ticket: str, deadline: float) -> dict[str, Any]:
        while True:
            message = self.client.get_shell_msg(timeout=max(1.0, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") == ticket:
                content: dict[str, Any] = message["content"]
                return content

    def _take(self, reply: Reply, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            reply.streams.append((time.monotonic() - self.started, content["name"], content["text"]))
            if content["name"] == "stdout":
                reply.out += content["text"]
            else:
                reply.err += content["text"]
        elif message["msg_type"] in ("display_data", "execute_result"):
            reply.data.append(content["data"])
        elif message["msg_type"] == "error":
            reply.traceback = "\n".join(content["traceback"])

    def run(self, code: str, timeout: float = 60) -> Reply:
        """One cell to its end."""
        return self.finish(self.send(code), timeout)

    def ok(self, code: str, timeout: float = 60) -> Reply:
        """One cell that must succeed."""
        reply = self.run(code, timeout)
        assert reply.status == "ok", reply
        return reply

    def complete(self, code: str) -> list[str]:
        """What the Tab key offers at the end of `code`."""
        ticket = self.client.complete(code)
        return sorted(self._answer(ticket, time.monotonic() + 20)["matches"])

    def wait_for(self, text: str, ticket: str, timeout: float = 30) -> None:
        """Until the cell `ticket` has printed `text`; what is read until then is gone."""
        seen, deadline = "", time.monotonic() + timeout
        while text not in seen:
            try:
                message = self.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{text!r} did not come within {timeout} s: {seen!r}") from None
            if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == ticket:
                seen += message["content"]["text"]

    def interrupt(self) -> None:
        """The interrupt button."""
        self.manager.interrupt_kernel()

    def restart(self) -> None:
        """The restart button."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=False)
        self._connect()

    def kill(self) -> None:
        """SIGKILL, to the kernel's process alone."""
        os.kill(self.manager.provisioner.pid, 9)
        self.client.stop_channels()
        deadline = time.monotonic() + 10
        while self.manager.is_alive():
            assert time.monotonic() < deadline, "the kernel outlived SIGKILL"
            time.sleep(0.02)

    def close(self) -> None:
        """The kernel ends as on shutdown."""
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=not self.manager.is_alive())
        self.manager.cleanup_connection_file()
