"""What goes over a launcher's socket: documents and chunks, each one SEQPACKET message.

The first byte says what a message is:

    j  a JSON document
    m  a JSON document in a memfd, which is the first descriptor (a message ends at about 208 KiB)
    o  bytes of standard output       e  bytes of standard error
    i  bytes of standard input; none of them: its end

Descriptors travel beside a document by SCM_RIGHTS, unix(7).
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import sys

from ipycontainer.errors import LauncherError
from ipycontainer.json_text import dumps, loads
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

CHUNK = 65536
_INLINE = 65536
_LARGEST_DOCUMENT = 32 << 20
_MOST_DESCRIPTORS = 32
_GONE = (errno.EPIPE, errno.ECONNRESET)
_TOO_MANY = (
    "as many descriptors of your account are on their way from process to process as may be (unix(7), ETOOMANYREFS): a "
    "container that holds them in sockets that nobody reads keeps all others from being started; end it and try again"
)

DOCUMENT = "j"
STDOUT = "o"
STDERR = "e"
STDIN = "i"


class Message(Record):
    """One message: kind is DOCUMENT, STDOUT, STDERR or STDIN."""

    kind: str
    document: Any = None
    data: bytes = b""
    descriptors: tuple[int, ...] = ()

    def refuse_descriptors(self) -> None:
        """Close what came along where nothing should."""
        _close_all(self.descriptors)


class Channel:
    """One end of a connection.

    was_reset: the other end left with something of ours unread.
    """

    was_reset = False

    def __init__(self, sock: _socket.socket) -> None:
        self._sock = sock

    def fileno(self) -> int:
        """The socket's descriptor, for poll."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close this end."""
        self._sock.close()

    def send(self, document: Any, descriptors: Sequence[int] = ()) -> None:
        """Send a document, with descriptors.  Raises LauncherError when the other end is gone."""
        raw = dumps(document).encode()
        if len(raw) < _INLINE:
            self.send_bytes(b"j" + raw, descriptors)
            return
        memory = os.memfd_create("ipycontainer-document", os.MFD_CLOEXEC)
        try:
            view = memoryview(raw)
            while view:
                view = view[os.write(memory, view) :]
            self.send_bytes(b"m", [memory, *descriptors])
        finally:
            os.close(memory)

    def send_bytes(self, raw: bytes, descriptors: Sequence[int] = ()) -> None:
        """One message as it stands, for whoever needs no kind to know it.

        Raises LauncherError when the other end is gone.
        """
        rights = []
        if descriptors:
            rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _packed(descriptors))]
        try:
            self._send_with(raw, rights)
        except OSError as error:
            self.was_reset = error.errno in _GONE
            if error.errno == errno.ETOOMANYREFS:
                raise LauncherError(_TOO_MANY) from None
            raise LauncherError(f"the other end of the connection is gone: {error.strerror}") from None

    def _send_with(self, raw: bytes, rights: list[tuple[int, int, bytes]]) -> None:
        try:
            self._sock.sendmsg([raw], rights, _socket.MSG_NOSIGNAL)
        except OSError as error:
            if error.errno != errno.ETOOMANYREFS:
                raise
            # As many may be on their way as whoever sends may have open, and most sessions may have fewer than a
            # container.  In the launcher, where nothing is imported any more, this module is there.
            import resource

            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            try:
                self._sock.sendmsg([raw], rights, _socket.MSG_NOSIGNAL)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def send_chunk(self, kind: str, data: bytes) -> None:
        """Send bytes of a stream, waiting while the other end is slow."""
        self.send_bytes(kind.encode() + data)

    def offer_chunk(self, kind: str, data: bytes) -> bool:
        """Send bytes of a stream if that is possible without waiting; whether it was.

        Raises LauncherError when the other end is gone.
        """
        flags = _socket.MSG_NOSIGNAL | _socket.MSG_DONTWAIT
        try:
            self._sock.sendmsg([kind.encode(), data], [], flags)
        except BlockingIOError:
            return False
        except OSError as error:
            raise LauncherError(f"the other end of the connection is gone: {error.strerror}") from None
        return True

    def is_writable(self) -> bool:
        """Whether a message could be sent now without waiting."""
        poll = select.poll()
        poll.register(self._sock.fileno(), select.POLLOUT)
        return bool(poll.poll(0))

    def receive(self) -> Message | None:
        """The next message, waiting for it; None when the other end is gone."""
        found = self.receive_bytes()
        return _message(*found) if found is not None else None

    def receive_bytes(self) -> tuple[bytes, list[int]] | None:
        """The same as it stands: its bytes, and the descriptors that came along."""
        try:
            raw, ancillary, flags, _ = self._receive()
        except ConnectionResetError:
            # The other end left with messages of ours unread.  The kernel says so once, and before
            # what it had sent to us: that still lies in the queue.
            self.was_reset = True
            raw, ancillary, flags, _ = self._receive()
        descriptors: list[int] = []
        for level, kind, data in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                descriptors.extend(memoryview(data[: len(data) - len(data) % 4]).cast("i"))
        if not raw:
            return None
        if flags & (_socket.MSG_TRUNC | _socket.MSG_CTRUNC):
            _close_all(descriptors)
            raise LauncherError("a message of the launcher was cut: too long, or too many descriptors")
        return raw, descriptors

    def _receive(self) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
        space = _socket.CMSG_SPACE(4 * _MOST_DESCRIPTORS)
        return self._sock.recvmsg(CHUNK + 1, space, _socket.MSG_CMSG_CLOEXEC)


def _packed(descriptors: Sequence[int]) -> bytes:
    # `array` would do this too, for 2.3 ms of collections.abc.
    return b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in descriptors)


def _message(raw: bytes, descriptors: list[int]) -> Message:
    """What came, or LauncherError; then no descriptor that came with it stays open."""
    kind = chr(raw[0])
    try:
        if kind in (STDOUT, STDERR, STDIN):
            _close_all(descriptors)
            return Message(kind, data=raw[1:])
        if kind == "j":
            document = loads(raw[1:])
        elif kind == "m" and descriptors:
            document = loads(_in_memory(descriptors))
        else:
            raise LauncherError(f"a message of unknown kind {kind!r}: is another release's launcher still there?")
        if not isinstance(document, dict):
            raise LauncherError("a message of the launcher is no JSON object")
    except (OSError, ValueError) as error:
        _close_all(descriptors)
        raise LauncherError(f"a message of the launcher cannot be read: {error}") from None
    except LauncherError:
        _close_all(descriptors)
        raise
    return Message(DOCUMENT, document, descriptors=tuple(descriptors))


def _in_memory(descriptors: list[int]) -> bytes:
    """What the first descriptor holds, which is closed and taken out."""
    memory = descriptors.pop(0)
    try:
        found = os.fstat(memory)
        if found.st_mode & 0o170000 != 0o100000:
            raise LauncherError("a document of the launcher lies in something that is no memory")
        if found.st_size > _LARGEST_DOCUMENT:
            raise LauncherError(f"a document of {found.st_size} bytes is refused; {_LARGEST_DOCUMENT} is the limit")
        return os.pread(memory, found.st_size, 0)
    finally:
        os.close(memory)


def _close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def adopt(descriptor: int) -> Channel:
    """The channel of a connected socket that came as a descriptor."""
    return Channel(_socket.socket(fileno=descriptor))


def pair() -> tuple[Channel, Channel]:
    """Two ends of a new connection."""
    left, right = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    return Channel(left), Channel(right)
