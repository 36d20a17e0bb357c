"""The job `images.diff`: what a container added (A), changed (C) and deleted (D), as `docker diff` says it."""

from __future__ import annotations

import os
from stat import S_ISDIR, S_ISREG

from ipycontainer.errors import KernelError
from ipycontainer.images.inside import whiteouts
from ipycontainer.images.inside.stack import VANISHED, Stack, join
from ipycontainer.images.inside.stack_request import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel

ADDED, CHANGED, DELETED = "A", "C", "D"
_COVERED = frozenset((b"etc/hostname", b"etc/hosts", b"etc/resolv.conf"))


def is_mount_point(path: bytes, status: os.stat_result) -> bool:
    """Whether this is the empty file that a start makes, where the image has none, to mount the real one over it."""
    return path in _COVERED and S_ISREG(status.st_mode) and status.st_size == 0


def diff(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """Compare the writable layer (below the second descriptor) with `lowers` below the first.

    Answers with changes: [kind, absolute path], sorted by path.
    """
    asked = Asked(request, descriptors[0], descriptors[1])
    found = changes(Stack(asked.uppers, asked.mode), asked.lower_stack())
    return {"changes": [[kind, "/" + os.fsdecode(path)] for path, kind in sorted(found.items())]}


def changes(upper: Stack, lower: Stack) -> dict[bytes, str]:
    """path -> kind.  A folder that only was passed through counts if something in it came or went."""
    found: dict[bytes, str] = {}
    pending = [(b"", lower.all, False)]
    while pending:
        path, below, opaque = pending.pop()
        above = upper.look_raw(path)
        there = lower.look(path, below, None if opaque else above)
        for name in sorted(there) if opaque else ():
            if name not in above or whiteouts.is_whiteout(above[name]):
                _note(found, join(path, name), DELETED)
        for name, status in above.items():
            full = join(path, name)
            known = there.get(name)
            if whiteouts.is_whiteout(status):
                if known:
                    _note(found, full, DELETED)
                continue
            if known is None:
                if not is_mount_point(full, status):
                    _note(found, full, ADDED)
            elif not (S_ISDIR(status.st_mode) and _same_folder(status, known.stat, full)):
                found[full] = CHANGED
            if S_ISDIR(status.st_mode):
                pending.append((full, known.below if known else [], _is_opaque(upper, path, name)))
    return found


def _note(found: dict[bytes, str], path: bytes, kind: str) -> None:
    found[path] = kind
    while (path := path.rpartition(b"/")[0]) and path not in found:
        found[path] = CHANGED


def _is_opaque(upper: Stack, path: bytes, name: bytes) -> bool:
    try:
        folder = upper.folder(0, path)
    except KernelError as error:
        if error.errno in VANISHED:
            return False
        raise
    try:
        return upper.is_opaque(folder, name)
    finally:
        os.close(folder)


def _same_folder(one: os.stat_result, other: os.stat_result, path: bytes) -> bool:
    """overlayfs copies a folder up when something in it changes; that alone is no change of the folder."""
    if (one.st_mode, one.st_uid, one.st_gid) != (other.st_mode, other.st_uid, other.st_gid):
        return False
    # A start touches /etc for its mount points; if something else came or went there, that says so.
    return path == b"etc" or one.st_mtime_ns == other.st_mtime_ns
