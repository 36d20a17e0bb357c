"""The jobs `copy.look` and `copy.out`: a name below a root, and all that lies below it, as a plain tar.

The root may be a running container's, whose processes change it meanwhile.  So every name is resolved by the kernel
with that root as its end (openat2(2), RESOLVE_IN_ROOT), and below the name that was asked for no link is followed.
"""

from __future__ import annotations

import os
from errno import EACCES, ELOOP, ENOENT, ENOTDIR
from stat import S_ISDIR, S_ISLNK, S_ISREG

from ipycontainer.errors import KernelError, NotFound
from ipycontainer.images.inside.pack import TarStream, entry_of
from ipycontainer.images.inside.stack import DIRECTORY, VANISHED, join, open_file, open_folder, reopen
from ipycontainer.images.inside.tar_entry import FILE, LINK, SYMLINK
from ipycontainer.linux.descriptors import open_in_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel

_KERNELS_OWN = (b"/proc", b"/sys", b"/dev")


def look(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """request: path, follow.  kind: "folder", "file", "link", "other", or "" where nothing is; target: a link's."""
    (root,) = descriptors
    try:
        found = pin(root, request["path"], bool(request["follow"]), bool(request.get("guard", True)))
    except NotFound:
        return {"kind": ""}
    try:
        mode = os.fstat(found).st_mode
        if S_ISLNK(mode):
            return {"kind": "link", "target": os.fsdecode(os.readlink(b"", dir_fd=found))}
    finally:
        os.close(found)
    return {"kind": "folder" if S_ISDIR(mode) else "file" if S_ISREG(mode) else "other"}


def pin(root: int, path: str, follow: bool, guard: bool = True) -> int:
    """A descriptor (O_PATH) of what `path` names below `root`.  guard: off only in the test that shows what it is for.

    Raises NotFound.
    """
    flags = os.O_PATH | (0 if follow or path.endswith("/") else os.O_NOFOLLOW)
    try:
        if not guard:
            return os.open(path.lstrip("/") or ".", flags | os.O_CLOEXEC, dir_fd=root)
        return open_in_root(root, path, flags)
    except (KernelError, OSError) as error:
        if error.errno in (ENOENT, ENOTDIR, ELOOP, EACCES):
            raise NotFound(f"Could not find the file {path}") from None
        raise


def out(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """request: path, follow, name (what it is called in the archive).  Writes into the second descriptor."""
    root, pipe = descriptors
    path = str(request["path"])
    found = pin(root, path, bool(request["follow"]), bool(request.get("guard", True)))
    own = os.fsencode(os.path.normpath("/" + path))
    pack(found, os.fsencode(request["name"]), pipe, os.fstat(root).st_dev, own)
    return {}


def pack(top: int, name: bytes, pipe: int, device: int = -1, where: bytes = b"") -> None:
    """Write what the descriptor `top` pins as `name` (b"." for what lies in a folder).

    device, where: its file system's number and its path in a container, whose /proc, /sys and /dev are the kernel's.
    """
    writer = TarStream(pipe)
    seen: dict[tuple[int, int], bytes] = {}
    status = os.fstat(top)
    if not S_ISDIR(status.st_mode):
        entry = entry_of(name, status)
        if entry is not None:
            if entry.kind is SYMLINK:
                entry.link = os.readlink(b"", dir_fd=top)
            writer.entry(entry) if entry.kind is not FILE else _content(writer, entry, reopen(top, os.O_RDONLY, name))
        writer.end()
        return
    folder = reopen(top, DIRECTORY, name)
    try:
        pending = [(b"", status)]
        while pending:
            path, status = pending.pop()
            if (entry := entry_of(join(name, path) if path else name, status)) is not None:
                writer.entry(entry)
            if status.st_dev != device and device >= 0 and os.path.normpath(join(where, path)) in _KERNELS_OWN:
                continue
            pending += _folder(writer, folder, path, name, seen)
    finally:
        os.close(folder)
    writer.end()


def _folder(
    writer: TarStream, top: int, path: bytes, name: bytes, seen: dict[tuple[int, int], bytes]
) -> list[tuple[bytes, os.stat_result]]:
    """Write what is no folder in the folder `path`; gives the folders."""
    try:
        here = open_folder(top, path)
    except KernelError as error:
        if error.errno in VANISHED:
            return []
        raise
    folders = []
    try:
        for found in sorted(map(os.fsencode, os.listdir(here)), reverse=True):
            try:
                status = os.stat(found, dir_fd=here, follow_symlinks=False)
                if S_ISDIR(status.st_mode):
                    folders.append((join(path, found), status))
                    continue
                entry = entry_of(join(name, join(path, found)), status)
                if entry is None:
                    continue  # a socket
                if entry.kind is SYMLINK:
                    entry.link = os.readlink(found, dir_fd=here)
                if entry.kind is FILE and status.st_nlink > 1:
                    first = seen.setdefault((status.st_dev, status.st_ino), entry.name)
                    if first != entry.name:
                        entry.kind, entry.link, entry.size = LINK, first, 0
                if entry.kind is FILE:
                    _content(writer, entry, open_file(here, found))
                else:
                    writer.entry(entry)
            except FileNotFoundError:
                continue  # gone while we looked
    finally:
        os.close(here)
    return folders


def _content(writer: TarStream, entry: Any, descriptor: int) -> None:
    try:
        entry.size = os.fstat(descriptor).st_size
        writer.file(entry, descriptor)
    finally:
        os.close(descriptor)
