"""Locks that belong to an open file, not to a process: fcntl(2), "Open file description locks".

Unlike flock(2) they can be looked at without being taken, so that a look never gets in a taker's way.
A lock follows duplicates of its descriptor, so a forked child closes its own first thing.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from ipycontainer.errors import KernelError

_FLOCK = "hhlli"  # l_type, l_whence, l_start, l_len, l_pid, aligned as C does


def take(descriptor: int, first: int = 0) -> bool:
    """Take the exclusive lock on the whole file; False when another open file has it.

    first: where the lock begins, by which others can tell what for it was taken (held_from).
    """
    return _set(descriptor, fcntl.F_WRLCK, first)


def share(descriptor: int) -> bool:
    """Take the lock together with others who share it; False when another open file has it alone."""
    return _set(descriptor, fcntl.F_RDLCK)


def release(descriptor: int) -> None:
    """Give back what was taken through this open file, before it is closed."""
    _set(descriptor, fcntl.F_UNLCK)


def _set(descriptor: int, kind: int, first: int = 0) -> bool:
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, kind, os.SEEK_SET, first, 0, 0))
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise KernelError("fcntl F_OFD_SETLK", error.errno or 0) from None
    return True


def is_held(path: str) -> bool:
    """Whether some open file holds the lock on `path`; False where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise KernelError("open", error.errno or 0, path) from None
    try:
        return is_held_by_another(descriptor)
    finally:
        os.close(descriptor)


def is_held_by_another(descriptor: int) -> bool:
    """Whether another open file than this one holds the lock."""
    return held_from(descriptor) is not None


def held_from(descriptor: int) -> int | None:
    """Where the lock begins that another open file than this one holds; None where there is none."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked)
    assert isinstance(answer, bytes)
    kind, _, first, *_ = struct.unpack(_FLOCK, answer)
    return None if kind == fcntl.F_UNLCK else int(first)
