"""Reading a monitor's `alive` file: who writes it is runtime/inside/life.py.

It stands on this floor because a new launcher has to find the living before it can join them.
"""

from __future__ import annotations

import os

from ipycontainer.json_text import loads
from ipycontainer.linux import locks, small_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any


SWEEPER = 1
"""Where a sweep's lock begins, and a monitor's does not: at no instant is one taken for the other."""


def is_alive(run: str) -> bool:
    """Whether a monitor (or a sweep) holds the lock in the container's run folder `run`."""
    return locks.is_held(os.path.join(run, "alive"))


def read(run: str) -> dict[str, Any]:
    """What was written so far, all lines in one mapping; empty where there is nothing."""
    return look(run)[1]


def look(run: str) -> tuple[bool, dict[str, Any]]:
    """What `is_alive` and `read` say, at one opening: there may be a thousand of them to look at.

    What is read is not older than the lock's answer: whoever is alive has not written its last word behind our back.
    """
    try:
        descriptor = os.open(f"{run}/alive", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False, {}
    try:
        first = locks.held_from(descriptor)
        raw = small_files.read_open(descriptor)
    finally:
        os.close(descriptor)
    found = _merged(raw)
    if first == SWEEPER:
        found["sweeping"] = True
    return first is not None, found


def _merged(raw: bytes) -> dict[str, Any]:
    lines = raw.split(b"\n")[:-1]  # what is behind the last newline is only half written
    try:
        parts = loads(b"[" + b",".join(lines) + b"]")
    except ValueError:
        parts = list(_legible(lines))
    found: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, dict):
            found.update(part)
    return found


def _legible(lines: Sequence[bytes]) -> Iterator[object]:
    """Those that are JSON; a power cut may leave anything."""
    for line in lines:
        try:
            yield loads(line)
        except ValueError:
            continue


def boot_id() -> str:
    """Which run of this machine this is: process numbers mean nothing in another.  proc_sys_kernel(5)."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
