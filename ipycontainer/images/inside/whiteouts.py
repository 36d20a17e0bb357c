"""Whiteouts: `.wh.NAME` in a layer means that NAME of the layers below is gone.

In a tree they become what overlayfs looks for: a character device 0:0, and on
a folder that hides what is below it the attribute `overlay.opaque`, which is
`trusted.` for root and `user.` in a user namespace (with the mount option
`userxattr`, without which the kernel silently ignores it).
"""

from __future__ import annotations

import os
from stat import S_IFCHR, S_ISCHR, S_ISDIR

from ipycontainer.errors import EscapingPath

PREFIX = b".wh."
OPAQUE = b".wh..wh..opq"
_META = b".wh..wh."
SMUGGLED = (b"trusted.overlay.", b"user.overlay.")
"""Attributes by which a layer could speak to overlayfs itself."""


def opaque_attribute(mode: str) -> str:
    """The attribute's name in a store of this mode ("root", "range" or "one")."""
    return "trusted.overlay.opaque" if mode == "root" else "user.overlay.opaque"


def hidden_name(base: bytes, guarded: bool = True) -> bytes:
    """The name that a whiteout hides; b"" for aufs' own notes, which hide nothing."""
    if base.startswith(_META):
        return b""
    name = base[len(PREFIX) :]
    if name in (b"", b".", b"..") and guarded:
        raise EscapingPath(f"a whiteout of {name.decode()!r}: it would hide the folder it lies in, or the one above")
    return name


def hide(folder: int, name: bytes, mode: str) -> None:
    """Make the whiteout of `name`; what this same layer has under that name stays and hides by itself."""
    try:
        os.mknod(name, S_IFCHR, 0, dir_fd=folder)
    except FileExistsError:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if S_ISDIR(found.st_mode):
            make_opaque_at(folder, name, mode)


def make_opaque_at(folder: int, name: bytes, mode: str) -> None:
    """Make the folder `name` hide what lies below it."""
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        make_opaque(descriptor, mode)
    finally:
        os.close(descriptor)


def make_opaque(descriptor: int, mode: str) -> None:
    """Make the folder open as `descriptor` hide what lies below it."""
    os.setxattr(descriptor, opaque_attribute(mode), b"y")


def is_whiteout(found: os.stat_result) -> bool:
    """Whether this is overlayfs' mark of a name that is gone."""
    return S_ISCHR(found.st_mode) and found.st_rdev == 0
