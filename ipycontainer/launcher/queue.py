"""A listening socket, and the processes that are kept ready at it: as many as recent use asks for."""

from __future__ import annotations

import _socket
import os

from ipycontainer.launcher.waiting import REST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ipycontainer.launcher.waiting import Waiting

_BACKLOG = 512


class Queue:
    """One socket, at `path`.

    attend: what a process does that waits there; most: how many are kept ready at most.

    What is asked for between two quiet moments is a burst: as many as the greatest recent one took are kept ready.
    """

    def __init__(self, path: str, attend: Callable[[Waiting], None], most: int) -> None:
        self.path = path
        self.attend = attend
        self.waiting: set[int] = set()
        self._at_work: set[int] = set()
        self._most = most
        self._burst = min(1, most)  # the first comes soon: somebody has just started the launcher
        self._wanted = 0
        self._wanted_at = 0.0
        self.listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
        temporary = f"{path}.{os.getpid()}"
        self.listener.bind(temporary)
        self.listener.listen(_BACKLOG)
        self.listener.setblocking(False)
        # Only a socket that listens gets the name that clients look for.
        os.rename(temporary, path)
        self._inode = os.stat(path).st_ino

    def take(self, pid: int) -> None:
        """`pid` has a request now, and waits no more."""
        if pid in self.waiting:
            self.waiting.discard(pid)
            self._at_work.add(pid)
            self._burst += 1

    def take_back(self, pid: int) -> None:
        """`pid` has done what was asked of it, and waits again."""
        if pid in self._at_work:
            self._at_work.discard(pid)
            self.waiting.add(pid)

    def forget(self, pid: int) -> None:
        """`pid` has ended."""
        self.waiting.discard(pid)
        self._at_work.discard(pid)

    def missing(self, now: float) -> int:
        """How many more should wait; asked at a quiet moment, which ends a burst."""
        if self._burst >= self._wanted or now > self._wanted_at + REST:
            self._wanted, self._wanted_at = min(self._burst, self._most), now
        self._burst = 0
        return self._wanted - len(self.waiting)

    def unlink(self) -> bool:
        """Take the name away, so that nobody new comes; whether it was still ours and not a successor's."""
        try:
            if os.stat(self.path).st_ino != self._inode:
                return False
            os.unlink(self.path)
        except FileNotFoundError:
            return False
        return True
