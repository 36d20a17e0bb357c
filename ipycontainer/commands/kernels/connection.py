"""The connection file that Jupyter writes, and the same kernel's as it is seen from inside.

Outside, a front end speaks TCP to ports or ZeroMQ's ipc to socket files; inside, the kernel always binds
socket files, in a folder that both sides see.  Format: "Connection files" in jupyter_client's documentation.
"""

from __future__ import annotations

import fcntl
import os
import time

from ipycontainer.errors import InputError, KernelError, TimedOut
from ipycontainer.json_text import dumps, loads
from ipycontainer.linux import trees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INSIDE = "/run/jupyter-kernel"
SOCKETS, LAST_WORD = "sockets", "ended.json"
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


class KernelFolder:
    """One kernel's folder out here; made here and removed here unless whoever asked made it.

    `sockets` in it is what the kernel sees as INSIDE, and whatever it makes of that is its own: nothing in there is
    opened or followed by us.  Beside it, out of the kernel's reach, lie the last word of it and the lock.  That is held
    from before the container is made until everything of it is gone, by this process and by its guard: a kernel that is
    restarted at once waits for the end of the one before.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.ours = connection.over_tcp
        if self.ours:
            import tempfile

            self.path = tempfile.mkdtemp(prefix="ipycontainer-kernel-", dir="/tmp")
        else:
            self.path, folder = os.path.split(os.path.dirname(connection.ip))
            if folder != SOCKETS:
                # The kernel gets the whole folder, and it is emptied: Jupyter's own has everybody's keys in it.
                raise InputError(
                    f"the kernel's sockets would lie in {os.path.dirname(connection.ip)}, beside what is not the "
                    f"kernel's; give it a folder of its own, named {SOCKETS}, as this kernel's provisioner does"
                )
        self.sockets = os.path.join(self.path, SOCKETS)
        longest = f"{self.sockets}/{connection.name}-{max(connection.ports.values())}"
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
        return os.path.join(self.sockets, f"{self._connection.name}-{self._connection.ports[channel]}")

    def fill(self) -> None:
        """What the kernel needs before it starts, where no kernel has been yet."""
        self.clear()
        os.mkdir(self.sockets, 0o700)
        _write(os.path.join(self.sockets, "connection.json"), dumps(self._connection.inner()))

    def write_last_word(self, document: dict[str, Any]) -> None:
        """For whoever asks why the kernel has ended."""
        _write(os.path.join(self.path, LAST_WORD), dumps(document))

    def clear(self) -> None:
        """Remove what a kernel leaves: its sockets, its connection file, and whatever else it made there."""
        gone = f"{self.sockets}.{os.getpid()}.{time.monotonic_ns()}"
        try:
            # At once, for folders of another id in it may resist an ordinary user, and the next kernel needs the name.
            os.rename(self.sockets, gone)
        except FileNotFoundError:
            return
        clear_away(gone)

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        clear_away(self.path)


def clear_away(path: str) -> None:
    """Remove the folder, as far as it can be; by descriptors, so that no link is followed."""
    import shutil

    try:
        shutil.rmtree(path, ignore_errors=True)
    except RecursionError:  # a kernel can nest folders deeper than Python's stack is
        try:
            trees.remove(path)
        except KernelError:
            pass  # one of another id's


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
