"""From TCP ports to socket files, byte by byte.

A front end that knows nothing of our provisioner (VS Code) gives its kernel TCP ports on this machine, and a
container without a network cannot listen there.  ZeroMQ speaks the same bytes over both, so they are passed on
unread; each message is signed with the key that only the two ends know.
"""

from __future__ import annotations

import os
import select
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PIECE = 1 << 18
_MOST_HELD = 1 << 20  # bytes of one direction that wait here; beyond it the sender waits


class Relay:
    """ip and (port, socket file) pairs; `poll` is the caller's, which gives back what it found to `handle`."""

    def __init__(self, poll: select.poll, ip: str, pairs: Iterable[tuple[int, str]]) -> None:
        self._poll = poll
        self._waiting: list[tuple[socket.socket, str]] = []
        self._listening: dict[int, tuple[socket.socket, str]] = {}
        self._ends: dict[int, _End] = {}
        for port, path in pairs:
            listener = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            # Bound at once, so that nobody else takes the port; a connection is refused until the kernel listens.
            listener.bind((ip, port))
            self._waiting.append((listener, path))

    @property
    def complete(self) -> bool:
        """Whether every port is connected to a kernel that listens."""
        return not self._waiting

    def look(self) -> None:
        """Listen on the ports whose socket file is there by now."""
        for listener, path in [pair for pair in self._waiting if os.path.exists(pair[1])]:
            self._waiting.remove((listener, path))
            listener.listen(64)
            self._listening[listener.fileno()] = (listener, path)
            self._poll.register(listener, select.POLLIN)

    def handle(self, descriptor: int, events: int) -> None:
        """Something is to be done for one of our descriptors; others are left alone."""
        if descriptor in self._listening:
            self._accept(*self._listening[descriptor])
        elif descriptor in self._ends:
            self._move(self._ends[descriptor], events)

    def _accept(self, listener: socket.socket, path: str) -> None:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # it went away again
        kernel = socket.socket(socket.AF_UNIX)
        try:
            _connect(kernel, path)
        except OSError:
            client.close()  # the kernel is just ending; ZeroMQ tries again by itself
            kernel.close()
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        left, right = _End(client), _End(kernel)
        left.other, right.other = right, left
        for end in (left, right):
            end.socket.setblocking(False)
            self._ends[end.socket.fileno()] = end
            self._poll.register(end.socket, select.POLLIN)

    def _move(self, end: _End, events: int) -> None:
        try:
            if events & select.POLLOUT:
                end.flush()
            if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                end.receive()
        except OSError:
            self._close(end)
            return
        for each in (end, end.other):
            self._poll.modify(each.socket, each.interest())

    def _close(self, end: _End) -> None:
        for each in (end, end.other):
            self._poll.unregister(each.socket)
            del self._ends[each.socket.fileno()]
            each.socket.close()

    def close(self) -> None:
        """Give everything back."""
        for listener, _ in (*self._waiting, *self._listening.values()):
            listener.close()
        for end in self._ends.values():
            end.socket.close()


def _connect(kernel: socket.socket, path: str) -> None:
    """To a socket that the kernel has made, and to nothing that a link of its leads to: that is the host's.

    On TCP anybody on this machine may speak, and would reach what only this account can.
    """
    pinned = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        kernel.connect(f"/proc/self/fd/{pinned}")
    finally:
        os.close(pinned)


class _End:
    """One end of a connection: what waits to be sent to it, and the other end."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.held = bytearray()
        self.other = self

    def receive(self) -> None:
        """Take what has come and give it to the other end.  Raises OSError at the connection's end."""
        data = self.socket.recv(_PIECE)
        if not data:
            raise ConnectionResetError
        self.other.held += data
        self.other.flush()

    def flush(self) -> None:
        """Send what waits, as much as goes."""
        try:
            while self.held:
                del self.held[: self.socket.send(self.held)]
        except BlockingIOError:
            pass

    def interest(self) -> int:
        """What to poll for: nothing more is read than the other end takes."""
        reading = select.POLLIN if len(self.other.held) < _MOST_HELD else 0
        return reading | (select.POLLOUT if self.held else 0)
