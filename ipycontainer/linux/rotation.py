"""A file that many processes append lines to, which is set aside when it has grown: PATH, and before it PATH.1.

Whoever's line brings PATH over the bound sets it aside: one rename(2) over PATH.1, so that kill -9 leaves the one or
the other; the next line makes PATH anew.  Each line is one write with O_APPEND, so that writers never mix, and they do
not wait for each other: they share a lock on the open file, and only a rename has it alone.  Who has that lock and
still finds its file at PATH knows that it is not set aside before the line is in it.  So what has been set aside is
whole, and whoever reads it to its end misses nothing.

Nobody waits long for one that stands still (SIGSTOP, the freezer) at that very moment: then a line is written all the
same, at worst behind the end of what a reader took for whole; a file that is not set aside just grows.
"""

from __future__ import annotations

import os
import time
from errno import ENOSPC

from ipycontainer.errors import KernelError
from ipycontainer.linux import locks

_PATIENCE = 0.5  # seconds: a rename takes some microseconds
_TRIES, _ATTEMPTS = 100, 10
_COARSE = 1.0  # seconds: a file's times come from a clock that lags behind


def append(path: str, text: bytes, bound: int) -> None:
    """Add `text`, whole lines, and set the file aside where it is larger than `bound` bytes then.  Raises OSError."""
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            shares = _share(descriptor)
            if shares and not _lies_at(descriptor, path):
                continue  # it was set aside since it was opened
            if (written := os.write(descriptor, text)) < len(text):
                _take_back(descriptor, written)
                raise OSError(ENOSPC, os.strerror(ENOSPC), path)
            if (
                shares
                and os.fstat(descriptor).st_size > bound
                and _has_alone(descriptor)
                and _lies_at(descriptor, path)
            ):
                _set_aside(path)
            return
        finally:
            os.close(descriptor)
    raise OSError(11, f"{path} is set aside faster than it can be written to")


def _take_back(descriptor: int, written: int) -> None:
    """Half a line would take the next one with it; unless somebody has written behind it already."""
    if _has_alone(descriptor) and os.fstat(descriptor).st_size == os.lseek(descriptor, 0, os.SEEK_CUR):
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)


def _share(descriptor: int) -> bool:
    end = time.monotonic() + _PATIENCE
    try:
        while not locks.share(descriptor):
            if time.monotonic() > end:
                return False
            time.sleep(0.0005)
    except KernelError:
        return False  # the kernel's locks are used up
    return True


def _has_alone(descriptor: int) -> bool:
    """Whether nobody else is about to write; two who both shared it and want it alone would wait for each other."""
    try:
        locks.release(descriptor)
        for _ in range(_ATTEMPTS):
            if locks.take(descriptor):
                return True
            time.sleep(0.0002)
    except KernelError:
        pass
    return False


def _set_aside(path: str) -> None:
    """Nobody else writes to it now, and so nobody sets it aside: its lock is ours alone."""
    try:
        os.rename(path, before(path))
    except OSError:
        pass  # the line is written; the next one tries again


def before(path: str) -> str:
    """Where the file lies that was there before."""
    return f"{path}.1"


def _lies_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


class Reader:
    """Reads the file at `path`, and on over each rotation: what it has begun it reads to the end.

    since: begin with the file that holds what was written then (seconds since the epoch); None: with what comes from
    now on.  One that is behind by more than two files
    misses what is gone; `take` opens them before it reads, so only who does not call it can be.
    """

    def __init__(self, path: str, since: float | None) -> None:
        self._path = path
        self._files: list[int] = []
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._files = self._there()
        while len(self._files) > 1 and (since is None or os.fstat(self._files[0]).st_mtime < since - _COARSE):
            os.close(self._files.pop(0))
        if since is None and self._files:
            os.lseek(self._files[0], 0, os.SEEK_END)

    def take(self, follow: bool) -> tuple[bytes, bool]:
        """The next piece, and whether it is a file's first; b"" when there is no more now.

        follow: go on to what has come since this reader was made.
        """
        if follow:
            self._follow()
        while self._files:
            position = os.lseek(self._files[0], 0, os.SEEK_CUR)
            data = os.read(self._files[0], 1 << 16)
            if data or len(self._files) == 1:
                return data, position == 0
            # It was set aside before the next one was opened, and so was whole when this read began.
            os.close(self._files.pop(0))
        return b"", False

    def _follow(self) -> None:
        """Open what has come after the last one that is open."""
        last = self._files[-1:]
        if last and _lies_at(last[0], self._path):
            return
        there = self._there()
        seen = [os.path.samestat(os.fstat(file), os.fstat(known)) for file in there for known in last]
        new = seen.index(True) + 1 if True in seen else 0
        for file in there[:new]:
            os.close(file)
        self._files += there[new:]

    def _there(self) -> list[int]:
        """What was set aside, and what has come after it, opened; no rotation lies between the two."""
        for _ in range(_TRIES):
            first, last = (_opened(path) for path in (before(self._path), self._path))
            found = [file for file in (first, last) if file is not None]
            if os.path.exists(before(self._path)) if first is None else not _lies_at(first, before(self._path)):
                for file in found:
                    os.close(file)
                continue
            return found
        return []

    def close(self) -> None:
        """Give the files back; a second time changes nothing."""
        while self._files:
            os.close(self._files.pop())


def _opened(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
