"""Which kind of file system a path lies on, read from /proc/self/mountinfo without ctypes."""

from __future__ import annotations

import os


def kind_in(text: str, path: str) -> str:
    """The kind of the innermost mount in mountinfo `text` that holds the absolute `path`; "" if none does."""
    best, kind = -1, ""
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        fields = left.split(" ")
        if not dash or len(fields) < 5:
            continue
        target = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
        # A later line at the same place lies over the earlier one.
        if len(target) >= best and (path == target or path.startswith(target.rstrip("/") + "/")):
            best, kind = len(target), right.split(" ")[0]
    return kind


def kind_of(path: str) -> str:
    """The kind of file system under `path` ("ext4", "nfs4", …)."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return kind_in(file.read(), os.path.realpath(path))
