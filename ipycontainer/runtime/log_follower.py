"""A container's output as it comes: the kernel says when there is more, and when its monitor has ended."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError
from ipycontainer.launcher.alive import is_alive
from ipycontainer.launcher.alive import read as read_alive
from ipycontainer.linux import inotify
from ipycontainer.runtime.inside.log import END
from ipycontainer.runtime.log_reader import Lines, LogReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.runtime.log_reader import LogEntry

# Where the user's watches are used up, or the monitor cannot be watched: how often to look.
_SECONDS = 0.05
# How much is taken at a time, so that whoever follows a flood gets it bit by bit.
_CHUNKS = 1000


class LogFollower:
    """The lines of the log in `folder` but for the first `skip`, until the monitor of `run` has ended."""

    def __init__(self, folder: str, run: str, skip: int = 0) -> None:
        self._folder, self._run = folder, run
        self._reader, self._lines = LogReader(folder), Lines(skip)
        self._is_watched = self._has_ended = self._has_flushed = False
        self._monitor = _open_monitor(run)
        self._inotify: inotify.Inotify | None = None
        try:
            self._inotify = inotify.Inotify()
            # The folder comes with the first byte of output.
            self._inotify.add(os.path.dirname(folder), inotify.CREATE | inotify.DELETE_SELF)
        except KernelError:
            self._stop_watching()

    @property
    def ended(self) -> bool:
        """Whether the monitor has: all that was said is there."""
        self._has_ended = self._has_ended or not is_alive(self._run)
        return self._has_ended

    def take(self) -> list[LogEntry]:
        """The lines that came."""
        if self._inotify is not None:
            self._inotify.read()  # first: what comes from here on is told anew
            self._watch_the_log()
        found: list[LogEntry] = []
        for count, chunk in enumerate(self._reader.chunks(), 1):
            if chunk.stream == END:
                found += self._lines.flush()
            found += self._lines.feed(chunk)
            if count >= _CHUNKS and found:
                return found
        if self._has_ended and not self._has_flushed:
            self._has_flushed = True
            found += self._lines.flush()
        return found

    def _watch_the_log(self) -> None:
        if self._is_watched or self._inotify is None:
            return
        try:
            self._inotify.add(self._folder, inotify.MODIFY | inotify.CREATE)
            self._is_watched = True
        except KernelError:
            if os.path.isdir(self._folder):
                self._stop_watching()

    def _stop_watching(self) -> None:
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def descriptors(self) -> list[int]:
        """Readable when there may be more."""
        watched = [] if self._inotify is None else [self._inotify.fileno()]
        return watched if self._monitor < 0 else [*watched, self._monitor]

    @property
    def patience(self) -> float | None:
        """How long nobody would tell, and one has to look."""
        return None if self._inotify is not None and self._monitor >= 0 else _SECONDS

    def close(self) -> None:
        """Give everything back; a second time changes nothing."""
        self._reader.close()
        self._stop_watching()
        if self._monitor >= 0:
            os.close(self._monitor)
            self._monitor = -1


def _open_monitor(run: str) -> int:
    """Its pidfd, readable from its end on; -1 where there is none to be had.

    The lock is looked at after the number was taken: while it is held the number is the monitor's.
    """
    try:
        descriptor = os.pidfd_open(int(read_alive(run)["monitor"]))
    except (OSError, KeyError, TypeError, ValueError):
        return -1  # it has just begun, or is gone
    if is_alive(run):
        return descriptor
    os.close(descriptor)
    return -1
