"""Renaming what may not land on something else.  rename(2)."""

from __future__ import annotations

import os

from ipycontainer.linux.syscalls import syscall

_AT_FDCWD, _RENAME_NOREPLACE = -100, 1


def rename_new(old: str, new: str) -> None:
    """Rename `old`, a symbolic link itself, to `new`, in one instant and only where nothing is.

    Raises KernelError: EEXIST where something is, EINVAL where the file system does not know how.
    """
    syscall(
        "renameat2", _AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), _RENAME_NOREPLACE, path=f"{old} -> {new}"
    )
