"""Reading a monitor's `alive` file: who writes it is runtime/inside/life.py.

It stands on this floor because a new launcher has to find the living before it can join them.
"""

from __future__ import annotations

import os

from ipycontainer.json_text import loads
from ipycontainer.linux import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def is_alive(run: str) -> bool:
    """Whether a monitor (or a sweep) holds the lock in the container's run folder `run`."""
    return locks.is_held(os.path.join(run, "alive"))


def read(run: str) -> dict[str, Any]:
    """What was written so far, both lines in one mapping; empty where there is nothing."""
    try:
        with open(os.path.join(run, "alive"), "rb") as file:
            lines = file.read().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    found: dict[str, Any] = {}
    for line in lines[:-1]:  # what is behind the last newline is only half written
        try:
            part = loads(line)
        except ValueError:
            continue  # a power cut may leave anything
        if isinstance(part, dict):
            found.update(part)
    return found


def boot_id() -> str:
    """Which run of this machine this is: process numbers mean nothing in another.  proc_sys_kernel(5)."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
