"""The launcher's loop: one connection is one request is one forked job.

The launcher itself never reads a request: a slow or hostile client can only hold up its own child.
"""

from __future__ import annotations

import _signal
import _socket
import os
import select
import sys

from ipycontainer.errors import Error, InputError, to_wire
from ipycontainer.launcher.wire import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    Job = Callable[[dict[str, Any], list[int], Channel], dict[str, Any] | None]

_BACKLOG = 512


class Server:
    """Listens at `path` and forks `jobs` by name; leaves after `idle` seconds without any."""

    def __init__(self, path: str, jobs: dict[str, Job], idle: float) -> None:
        self._path = path
        self._jobs = {**jobs, "launcher.leave": self._ask_to_leave}
        self._idle = idle
        self._children: set[int] = set()
        # A signal alone would not end poll(), which Python takes up again after a handler (PEP 475).
        self._wake, self._waker = os.pipe()
        self._listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
        temporary = f"{path}.{os.getpid()}"
        self._listener.bind(temporary)
        self._listener.listen(_BACKLOG)
        # Only a socket that listens gets the name that clients look for.
        os.rename(temporary, path)
        self._inode = os.stat(path).st_ino

    def serve(self) -> None:
        """Serve until idle for long enough or asked to leave.  Children go on without us."""
        _signal.signal(_signal.SIGCHLD, self._reap)
        _signal.signal(_signal.SIGUSR1, self._leave_soon)
        poll = select.poll()
        poll.register(self._listener.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            ready = poll.poll(self._idle * 1000)
            if any(descriptor == self._wake for descriptor, _ in ready) or not (ready or self._children):
                break
            if ready:
                self._accept()
        poll.unregister(self._wake)
        self._close(poll)

    def _close(self, poll: select.poll) -> None:
        """First the name goes, so that nobody new comes; then whoever is already in the queue is served."""
        try:
            if os.stat(self._path).st_ino == self._inode:  # else it is already a successor's
                os.unlink(self._path)
                os.unlink(self._path.removesuffix(".sock") + ".json")
        except FileNotFoundError:
            pass
        while poll.poll(0):
            self._accept()
        self._listener.close()

    def _reap(self, _number: int, _frame: object) -> None:
        while self._children:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._children.clear()
                return
            if pid == 0:
                return
            self._children.discard(pid)

    def _leave_soon(self, _number: int, _frame: object) -> None:
        os.write(self._waker, b"!")

    def _ask_to_leave(self, _request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
        os.kill(os.getppid(), _signal.SIGUSR1)
        return {}

    def _accept(self) -> None:
        try:
            descriptor, _ = self._listener._accept()  # type: ignore[attr-defined]
        except OSError:
            return
        pid = os.fork()
        if pid == 0:
            self._child(descriptor)
        self._children.add(pid)
        os.close(descriptor)

    def _child(self, descriptor: int) -> NoReturn:
        """Do one job and end.  Nothing of this frame's ever returns into the launcher's loop."""
        status = 1
        try:
            for number in (_signal.SIGCHLD, _signal.SIGUSR1):
                _signal.signal(number, _signal.SIG_DFL)
            self._listener.close()
            os.close(self._wake)
            os.close(self._waker)
            run_job(self._jobs, Channel(_socket.socket(fileno=descriptor)))
            status = 0
        except BaseException:  # noqa: BLE001 - a forked child: whatever it was, it ends here
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)


def run_job(jobs: dict[str, Job], channel: Channel) -> None:
    """Receive one request, do the job, send its answer or its error."""
    message = channel.receive()
    if message is None:
        return
    document = message.document
    try:
        job = jobs.get(document["job"])
        if job is None:
            raise InputError(f"the launcher has no job {document['job']!r}")
        answer = job(document["request"], list(message.descriptors), channel)
    except Error as error:
        channel.send({"error": to_wire(error)})
        return
    if answer is not None:
        channel.send({"answer": answer})
