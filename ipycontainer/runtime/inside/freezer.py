"""A container that stands still: whether it does, and letting it go on.

The kernel knows whether it does; the mark in its run folder only says that it is worth asking.  That is made before
the freezer is told and removed after, so whoever is killed in between leaves nothing that is not so.
"""

from __future__ import annotations

import os

from ipycontainer.linux import cgroups
from ipycontainer.runtime.container_state import PAUSED_MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


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
