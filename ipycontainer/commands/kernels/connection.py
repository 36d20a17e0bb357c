"""The connection file that Jupyter writes, and the same kernel's as it is seen from inside.

Outside, a front end speaks TCP to ports or ZeroMQ's ipc to socket files; inside, the kernel always binds
socket files, in a folder that both sides see.  Format: "Connection files" in jupyter_client's documentation.
"""

from __future__ import annotations

import fcntl
import os
import time

from ipycontainer.errors import InputError, TimedOut
from ipycontainer.json_text import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INSIDE = "/run/jupyter-kernel"
CHANNELS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")

# sun_path of unix(7) holds 108 bytes, the last of them 0; "-5" and the like follow the folder's name.
LONGEST = 107
_NAME = "kernel"
_PATIENCE = 10.0


class Connection:
    """One kernel's connection file at `path`."""

    def __init__(self, path: str) -> None:
        try:
            with open(path, encoding="utf-8") as file:
                self.document: dict[str, Any] = loads(file.read())
            self.ports = {name: int(self.document[name]) for name in CHANNELS}
            self.ip = str(self.document["ip"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is no connection file of a Jupyter kernel ({error})") from None
        self.path = path
        self.over_tcp = self.document.get("transport", "tcp") == "tcp"

    @property
    def name(self) -> str:
        """What the sockets' file names begin with."""
        return _NAME if self.over_tcp else os.path.basename(self.ip)

    def inner(self) -> dict[str, Any]:
        """The document for the kernel: the same keys and session, its sockets in INSIDE."""
        return {**self.document, "transport": "ipc", "ip": f"{INSIDE}/{self.name}"}


class SocketFolder:
    """The folder of one kernel's sockets; made here and removed here unless whoever asked made it.

    A lock is held from before the container is made until everything of it is gone, by this process and by its
    guard: a kernel that is restarted at once waits for the end of the one before.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.ours = connection.over_tcp
        if self.ours:
            import tempfile

            self.path = tempfile.mkdtemp(prefix="ipycontainer-kernel-", dir="/tmp")
        else:
            self.path = os.path.dirname(connection.ip)
        longest = f"{self.path}/{connection.name}-{max(connection.ports.values())}"
        if len(os.fsencode(longest)) > LONGEST:
            raise InputError(
                f"the socket path {longest} is too long for the kernel ({LONGEST} bytes); choose a shorter"
            )
        self._lock = self._acquire()

    def _acquire(self) -> int:
        lock = os.open(os.path.join(self.path, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(lock)
                    raise TimedOut("the kernel that ran here before has not ended; try again, or remove it") from None
            time.sleep(0.005)

    def socket(self, channel: str) -> str:
        """The path, outside, of a channel's socket."""
        return os.path.join(self.path, f"{self._connection.name}-{self._connection.ports[channel]}")

    def write(self, name: str, text: str) -> None:
        """A file that the kernel may read."""
        with open(os.path.join(self.path, name), "w", encoding="utf-8") as file:
            file.write(text)

    def fill(self) -> None:
        """What the kernel needs before it starts."""
        self.clear()
        self.write("connection.json", dumps(self._connection.inner()))

    def clear(self) -> None:
        """Remove what a kernel leaves: its sockets and its connection file."""
        for name in os.listdir(self.path):
            if name not in ("lock", "ended.json"):
                os.unlink(os.path.join(self.path, name))

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        import shutil

        shutil.rmtree(self.path, ignore_errors=True)
