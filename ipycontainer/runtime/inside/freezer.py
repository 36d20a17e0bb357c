"""A container that stands still: whether it does, and letting it go on.

The kernel knows whether it does; the mark in its run folder only says that it is worth asking.  That is made before
the freezer is told and removed after, so whoever is killed in between leaves nothing that is not so.

Whoever does both has his turn: one that stood still without its mark nobody would let go on, and on cgroup v1 not even
SIGKILL reaches it.
"""

from __future__ import annotations

import fcntl
import os
import time

from ipycontainer.linux import cgroups
from ipycontainer.runtime.container_state import PAUSED_MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

_PATIENCE = 10.0  # seconds; a freezer takes half of them to give up


class Turn:
    """In a `with`: nobody else freezes or thaws the container, or signals what is frozen, meanwhile.

    The lock is flock(2)'s on the run folder, and goes with its holder.  One that is held for too long is passed by:
    nobody's freezer that hangs may keep a container from being killed.
    """

    def __init__(self, run: str) -> None:
        self._run = run

    def __enter__(self) -> Self:
        self._folder, end = -1, time.monotonic() + _PATIENCE
        try:
            self._folder = os.open(self._run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return self  # it has ended: whoever looks next says so
        while time.monotonic() < end:
            try:
                fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.001)
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder >= 0:
            os.close(self._folder)


def mark(run: str) -> None:
    """Say that it may be paused from here on."""
    os.close(os.open(os.path.join(run, PAUSED_MARK), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def is_marked(run: str) -> bool:
    """Whether it may be paused."""
    return os.path.exists(os.path.join(run, PAUSED_MARK))


def thaw(run: str, leaves: Sequence[str]) -> None:
    """Let its processes go on."""
    if cgroups.has_freezer(leaves):
        cgroups.thaw(leaves)
    forget(run)


def forget(run: str) -> None:
    """It is not paused, whatever the mark says."""
    try:
        os.unlink(os.path.join(run, PAUSED_MARK))
    except FileNotFoundError:
        pass  # it has ended, or somebody else has done the same
