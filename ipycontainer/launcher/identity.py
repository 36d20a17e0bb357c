"""Which launcher belongs to this code: a digest of the sources and the interpreter.

It names the socket, so that an upgrade or an edit never talks to an old launcher.
"""

from __future__ import annotations

import os
import sys

from ipycontainer.launcher.folders import digest

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What a launcher loads; the rooms above it are read afresh by every client anyway.
_ROOMS = (
    ".",
    "linux",
    "linux/cgroups",
    "oci",
    "launcher",
    "runtime",
    "runtime/inside",
    "runtime/inside/steps",
    "images/inside",
)


def interpreter() -> str:
    """The real path of the running interpreter, outside any virtual environment."""
    base = getattr(sys, "_base_executable", "") or sys.executable
    return os.path.realpath(base)


def launcher_digest() -> str:
    """The digest, from each source file's name, size and time (reading them all would cost more than a start)."""
    lines = [interpreter(), PACKAGE]
    for room in _ROOMS:
        folder = os.path.join(PACKAGE, room)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(".py"):
                        found = entry.stat()
                        lines.append(f"{room}/{entry.name} {found.st_size} {found.st_mtime_ns}")
        except FileNotFoundError:
            continue
    return digest("\n".join(sorted(lines)))
