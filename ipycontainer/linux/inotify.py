"""Being told that files change, instead of looking again and again.  inotify(7)."""

from __future__ import annotations

import os
import struct

from ipycontainer.linux.syscalls import check, libc

# include/uapi/linux/inotify.h
MODIFY = 0x2
CLOSE_WRITE = 0x8
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
OVERFLOW = 0x4000
IGNORED = 0x8000

_NONBLOCK, _CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_HEAD = struct.Struct("iIII")  # watch, mask, cookie, length of the name
_READ = 1 << 16


class Inotify:
    """One inotify descriptor with its watches; readable when something has happened.  Close it after use."""

    def __init__(self) -> None:
        self._descriptor = check("inotify_init1", libc.inotify_init1(_NONBLOCK | _CLOEXEC))

    def fileno(self) -> int:
        """For poll and event loops."""
        return self._descriptor

    def add(self, path: str, mask: int) -> int:
        """Watch `path` (a file, or a folder for the names in it); the watch's number.

        Raises KernelError: ENOENT, or ENOSPC when the user has no watches left.
        """
        return check("inotify_add_watch", libc.inotify_add_watch(self._descriptor, os.fsencode(path), mask), path)

    def remove(self, watch: int) -> None:
        """End a watch; one that has ended by itself (its file is gone) is no error."""
        libc.inotify_rm_watch(self._descriptor, watch)

    def read(self) -> list[tuple[int, int]]:
        """What has happened since the last look: (watch, mask) pairs; empty if nothing."""
        found: list[tuple[int, int]] = []
        while True:
            try:
                data = os.read(self._descriptor, _READ)
            except BlockingIOError:
                return found
            start = 0
            while start < len(data):
                watch, mask, _cookie, length = _HEAD.unpack_from(data, start)
                found.append((watch, mask))
                start += _HEAD.size + length

    def close(self) -> None:
        """Close the descriptor; a second time changes nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
