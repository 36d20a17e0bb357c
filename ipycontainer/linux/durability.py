"""Making sure that what was written survives a power cut."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def is_full(error: OSError) -> bool:
    """Whether it was for want of room, of the disk's or of a quota's: what need not take room may go on."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def syncfs(descriptor: int) -> None:
    """Write out everything of the file system that `descriptor` lies on.  syncfs(2).

    Cheaper than an fsync for each file from a few hundred files on.
    """
    from ipycontainer.linux.syscalls import check, libc  # ctypes: not for those who only write small files

    check("syncfs", libc.syncfs(descriptor))


def sync_file(path: str) -> None:
    """Make what is in the file `path` durable, whoever wrote it.  fsync(2)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: str) -> None:
    """Make names that were made, renamed or removed in `path` durable.  fsync(2)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_once(path: str, pieces: Sequence[bytes], mode: int = 0o644) -> None:
    """A new file that nobody looks for yet, and that need not survive a power cut."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        _write_all(descriptor, pieces)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, pieces: Sequence[bytes]) -> None:
    for piece in pieces:
        view = memoryview(piece)
        while view:
            view = view[os.write(descriptor, view) :]


def write_file(path: str, pieces: Sequence[bytes], mode: int = 0o644, durable: bool = True) -> None:
    """A whole new file, durable with its content or not there at all: temporary name, fsync, rename.

    Without `durable` readers still see the old content or the new one, but a power cut may take it.
    """
    place_file(path, pieces, mode, durable)
    if durable:
        sync_folder(os.path.dirname(path))


def place_file(path: str, pieces: Sequence[bytes], mode: int = 0o644, durable: bool = True) -> None:
    """The same, but its name is not durable before its folder is synced: for several files, one sync of it.

    Without `durable` neither is its content.
    """
    temporary = f"{path}.new-{os.urandom(6).hex()}"  # in a pid namespace every writer is number 1
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        _write_all(descriptor, pieces)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(temporary, path)
