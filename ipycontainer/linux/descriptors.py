"""Descriptors: openat2(2), close_range(2), memfd_create(2)."""

from __future__ import annotations

import ctypes
import os
import select

from ipycontainer.errors import KernelError
from ipycontainer.linux.syscalls import syscall

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

CLOSE_RANGE_CLOEXEC = 4
AT_FDCWD = -100
O_PATH = os.O_PATH
O_CLOEXEC = os.O_CLOEXEC


def openat2(folder: int, path: str | bytes, flags: int, resolve: int, mode: int = 0) -> int:
    """Open `path` below the descriptor `folder`, resolved as RESOLVE_* says.  openat2(2).

    RESOLVE_IN_ROOT makes `folder` the root for `..` and absolute links, for this one look-up, in the
    kernel: no check in user space can be raced.
    """
    how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, mode, resolve)
    while True:
        try:
            return syscall("openat2", folder, os.fsencode(path), how, ctypes.sizeof(how), path=path)
        except KernelError as error:
            if error.errno != 11:  # EAGAIN: a rename elsewhere raced with "..": openat2(2) says to try again
                raise


def open_in_root(folder: int, path: str | bytes, flags: int = O_PATH, mode: int = 0) -> int:
    """Open `path` as a process whose root is `folder` would, following no magic links."""
    return openat2(folder, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, mode)


def close_from(first: int) -> None:
    """Close every descriptor from `first` on.  close_range(2)."""
    syscall("close_range", first, 0xFFFFFFFF, 0)


def close_on_exec_from(first: int) -> None:
    """Mark every descriptor from `first` on close-on-exec.  close_range(2)."""
    syscall("close_range", first, 0xFFFFFFFF, CLOSE_RANGE_CLOEXEC)


def close_all_but(keep: list[int] | tuple[int, ...]) -> None:
    """Close every descriptor above 2 that is not in `keep`."""
    start = 3
    for descriptor in sorted(item for item in set(keep) if item > 2):
        if descriptor > start:
            syscall("close_range", start, descriptor - 1, 0)
        start = descriptor + 1
    close_from(start)


def hangs_up(descriptor: int) -> bool:
    """Whether the other end of this pipe or connection is closed.  poll(2), POLLHUP."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))
