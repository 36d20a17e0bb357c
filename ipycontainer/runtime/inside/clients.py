"""Those who listen to a program: whoever started it, and whoever attached to it later.

The program waits for the one who started it in the foreground, as it would for the reader of a pipe: once PENDING
bytes are ahead of it.  It waits so for the others too, but not for one that takes less than SLOW bytes a second: that
one misses what comes until it has caught up, and is told how much.
"""

from __future__ import annotations

import _socket
import os
import time
from errno import EMFILE, ENFILE

from ipycontainer.errors import LauncherError
from ipycontainer.json_text import dumps
from ipycontainer.launcher.wire import DOCUMENT, Channel

PENDING = 1 << 20
SLOW = 1 << 18
WINDOW = 1.0  # seconds: how long one is looked at before it is called slow
_OVERHEAD = 64  # what a chunk costs beside its bytes: a program may write them one by one
_BACKLOG = 16
SOCKET = "attach"
"""In the run folder: where a monitor takes clients."""


class Client:
    """One connection.  holds: the program waits for it; stdin: the end of it may be the end of the program's input."""

    def __init__(self, channel: Channel, holds: bool = False, stdin: bool = False, greeted: bool = False) -> None:
        self.channel = channel
        self.holds = holds
        self.stdin = stdin
        self.greeted = greeted  # it has said what it wants; nothing is for it before
        self.waiting: list[tuple[str, bytes]] = []
        self._size = 0
        self._lost = 0
        self._is_deaf = self._is_slow = False
        self._since, self._taken = 0.0, 0

    @property
    def is_behind(self) -> bool:
        """Whether as much waits for it as may."""
        return self._size >= PENDING

    def holds_up(self, now: float) -> bool:
        """Whether the program is to wait for it."""
        if self.is_behind and not self.holds and not self._is_slow:
            if not self._since:
                self._since, self._taken = now, 0
            elif now >= self._since + WINDOW:
                self._is_slow = self._taken < SLOW * (now - self._since)
                self._since, self._taken = now, 0
        return self.is_behind and not self._is_slow

    def put(self, kind: str, data: bytes) -> None:
        """Give it a chunk, now or when it takes it."""
        if not self.greeted or self._is_deaf:
            return
        if self.is_behind and self._is_slow:
            self._lost += len(data)
            return
        self._say_what_is_missing()
        self._append(kind, data)

    def _say_what_is_missing(self) -> None:
        if self._lost:
            lost, self._lost = self._lost, 0
            self.say({"lost": lost})

    def say(self, document: dict[str, object]) -> None:
        """A document, in its place among the chunks."""
        self._append(DOCUMENT, dumps(document).encode())

    def say_last(self, document: dict[str, object]) -> None:
        """The last word, after whatever it has missed."""
        self._say_what_is_missing()
        self.say(document)

    def _append(self, kind: str, data: bytes) -> None:
        self.waiting.append((kind, data))
        self._size += len(data) + _OVERHEAD

    def stop_telling(self) -> None:
        """It takes nothing any more."""
        self._is_deaf = True
        self.waiting, self._size, self._lost = [], 0, 0

    def offer(self) -> bool:
        """Hand over what it takes without waiting; False when it is gone."""
        while self.waiting:
            kind, data = self.waiting[0]
            try:
                if not self.channel.offer_chunk(kind, data):
                    return True
            except LauncherError:
                return False
            self.waiting.pop(0)
            self._size -= len(data) + _OVERHEAD
            self._taken += len(data)
            if not self.waiting:
                self._since, self._is_slow = 0.0, False
                self._say_what_is_missing()
        return True


class Listener:
    """Where clients come in.  descriptor: what `open_listener` gave."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rests_until = 0.0
        self._socket: _socket.socket | None = None  # made when somebody comes: most containers never see a client

    def fileno(self) -> int:
        """For poll."""
        return self._descriptor

    def rests(self, now: float) -> bool:
        """Whether nobody can be taken in for now: who waits would be told of again and again."""
        return now < self._rests_until

    def accept(self) -> Client | None:
        """The next one; None where it has gone away again."""
        if self._socket is None:
            self._socket = _socket.socket(fileno=self._descriptor)
        try:
            descriptor, _ = self._socket._accept()  # type: ignore[attr-defined]
        except OSError as error:
            if error.errno in (EMFILE, ENFILE):
                self._rests_until = time.monotonic() + WINDOW  # it waits in the queue
            return None
        found = _socket.socket(fileno=descriptor)
        found.setblocking(True)
        return Client(Channel(found))

    def close(self) -> None:
        """Take nobody any more."""
        if self._socket is not None:
            self._socket.close()
        else:
            os.close(self._descriptor)


def open_listener(run: str) -> int | None:
    """The socket `attach` in the run folder, listening; None where none can be had: then nobody can attach to this one.

    Whoever starts a program makes it, its monitor serves it; what kill -9 leaves goes with the folder.
    """
    try:
        # By descriptor: the whole path would be longer than a socket's may be, unix(7).
        folder = os.open(run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None  # a forced removal was faster
    path = f"/proc/self/fd/{folder}/{SOCKET}"
    made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    try:
        try:
            os.unlink(path)  # a killed monitor's, or that of the program before
        except FileNotFoundError:
            pass
        made.bind(path)
        made.listen(_BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        return None  # the same, or the run folder's disk is full
    finally:
        os.close(folder)
    return made.detach()
