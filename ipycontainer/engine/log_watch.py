"""A container's output for somebody who watches it for a long time: what is there, then what came since."""

from __future__ import annotations

import os
from collections import deque
from errno import ENOENT

from ipycontainer.errors import KernelError, NoSuchContainer
from ipycontainer.linux import inotify
from ipycontainer.runtime.inside.log import STDERR, STDOUT
from ipycontainer.runtime.log_reader import LogReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.engine.container import Container

# A program may write byte by byte, now here, now there: a piece holds what came together, and costs this beside it.
_PIECE, _OVERHEAD = 4096, 64
_NAMES = {STDOUT: "stdout", STDERR: "stderr"}


class LogWatch:
    """The output of `container`, in pieces as they came.  Close it after use.

    A flood is not read to its end: each look keeps the last bytes and says how many it passed over.
    Raises NoSuchContainer, KernelError where nothing more can be watched.
    """

    def __init__(self, container: Container) -> None:
        self._container = container
        self._folder = os.path.join(container.folder, "log")
        self._reader = LogReader(self._folder)
        self._watching = False
        self._inotify = inotify.Inotify()
        try:
            self._inotify.add(container.folder, inotify.CREATE | inotify.DELETE_SELF | inotify.MOVE_SELF)
        except KernelError as error:
            self.close()
            if error.errno != ENOENT:
                raise  # the user's watches are used up
            raise NoSuchContainer(f"No such container: {container.name}") from None

    def fileno(self) -> int:
        """Readable when there may be more."""
        return self._inotify.fileno()

    def drain(self) -> None:
        """Take what was told; call it before `read`."""
        self._inotify.read()

    @property
    def removed(self) -> bool:
        """The container is gone: nothing more will come."""
        return not os.path.isdir(self._container.folder)

    def read(self, limit: int, most: int = 64 << 20) -> tuple[list[tuple[str, bytes]], int, bool]:
        """What came since the last look, as (stdout or stderr, bytes); how many bytes were left out; if there is more.

        limit: how many bytes are kept, the last ones; most: how many are looked at before this look ends.  Where there
        is more, look again without waiting: of what is there already the descriptor tells nothing.
        """
        self._watch_the_log()
        kept: deque[tuple[str, bytearray]] = deque()
        size = seen = passed = 0
        more = False
        for chunk in self._reader.chunks():
            if chunk.stream not in _NAMES:
                continue
            name = _NAMES[chunk.stream]
            if kept and kept[-1][0] == name and len(kept[-1][1]) < _PIECE:
                kept[-1][1].extend(chunk.data)
            else:
                kept.append((name, bytearray(chunk.data)))
                size += _OVERHEAD
            size += len(chunk.data)
            seen += len(chunk.data)
            while len(kept) > 1 and size - len(kept[0][1]) - _OVERHEAD >= limit:
                gone = len(kept.popleft()[1])
                size -= gone + _OVERHEAD
                passed += gone
            if seen >= most:
                more = True
                break
        if kept and size - len(kept) * _OVERHEAD > limit:
            excess = size - len(kept) * _OVERHEAD - limit
            del kept[0][1][:excess]
            passed += excess
        return [(name, bytes(data)) for name, data in kept], passed, more

    def _watch_the_log(self) -> None:
        """The folder comes with the first byte of output."""
        if not self._watching:
            try:
                self._inotify.add(self._folder, inotify.MODIFY | inotify.CREATE)
                self._watching = True
            except KernelError:
                pass  # not there yet; the container's own folder tells when it comes

    def close(self) -> None:
        """End the watch."""
        self._reader.close()
        self._inotify.close()
