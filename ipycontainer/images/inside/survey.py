"""The jobs `images.survey` (what lies in each layer) and `images.read` (one file of a layer)."""

from __future__ import annotations

import os
from stat import S_ISDIR, S_ISLNK, S_ISREG

from ipycontainer.errors import KernelError, NotFound, StoreError
from ipycontainer.images.inside import whiteouts
from ipycontainer.images.inside.stack import Stack, join, open_file
from ipycontainer.images.inside.stack_request import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel

_PIECE = 256 * 1024


def survey(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """Write a record for each name of each of `lowers`, below the first descriptor, into the second.

    A record is `LAYER KIND MODE UID GID SIZE MTIME_NS INODE LINKS PATH NUL TARGET NUL`, numbers apart by
    blanks; kind: f, d, l (with a target), w (a whiteout), o (a folder that hides what is below), s (anything
    else).
    """
    layers, out = descriptors
    asked = Asked(request, layers)
    with open(out, "wb", closefd=True) as file:
        for number, root in enumerate(asked.lowers):
            stack = Stack([root], asked.mode)
            pending = [b""]
            while pending:
                path = pending.pop()
                found = stack.look_raw(path)
                folder = stack.folder(0, path)
                try:
                    for name in sorted(found):
                        kind, target = _kind(stack, folder, name, found[name])
                        full = join(path, name)
                        file.write(_record(number, kind, found[name], asked.owner(number, full), full, target))
                        if kind in "do":
                            pending.append(full)
                finally:
                    os.close(folder)
    return {}


def _kind(stack: Stack, folder: int, name: bytes, status: os.stat_result) -> tuple[str, bytes]:
    if whiteouts.is_whiteout(status):
        return "w", b""
    if S_ISDIR(status.st_mode):
        return ("o" if stack.is_opaque(folder, name) else "d"), b""
    if S_ISLNK(status.st_mode):
        return "l", os.readlink(name, dir_fd=folder)
    return ("f" if S_ISREG(status.st_mode) else "s"), b""


def _record(
    number: int, kind: str, status: os.stat_result, owner: tuple[int, int, int] | None, path: bytes, target: bytes
) -> bytes:
    uid, gid, mode = owner or (status.st_uid, status.st_gid, status.st_mode & 0o7777)
    size = status.st_size if kind == "f" else 0
    return b"%d %b %o %d %d %d %d %d %d %b\0%b\0" % (
        number, kind.encode(), mode, uid, gid, size, status.st_mtime_ns, status.st_ino, status.st_nlink, path, target,
    )  # fmt: skip


def read(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """Write the file `path` of the one layer in `lowers` into the second descriptor."""
    layers, out = descriptors
    asked = Asked(request, layers)
    path = os.fsencode(request["path"])
    above, _, name = path.rpartition(b"/")
    try:
        folder = Stack(asked.lowers, asked.mode).folder(0, above)
        descriptor = open_file(folder, name)
    except (KernelError, StoreError, OSError):
        raise NotFound(f"/{request['path']} is no file of this layer") from None
    while data := os.read(descriptor, _PIECE):
        view = memoryview(data)
        while view:
            view = view[os.write(out, view) :]
    os.close(out)
    return {}
