"""The end of a container, however far it came: its record, then its sweep."""

from __future__ import annotations

import time

from ipycontainer.linux import trees
from ipycontainer.runtime.inside import life, sweep
from ipycontainer.runtime.inside.charge import Charge


def record(charge: Charge, exit_code: int, oom_killed: bool, error: str) -> str:
    """Write what lasts, or with --rm let it vanish.  Gives a tree that is still to be removed, or ""."""
    if not charge.remove:
        ended = {
            "started": charge.started,
            "finished": time.time(),
            "exit_code": exit_code,
            "oom_killed": oom_killed,
            "error": error,
        }
        life.write_life(charge, ended, durable=True)
        return ""
    gone = sweep.discard(charge.folder, charge.trash, charge.names, charge.name, charge.id)
    life.record_event(charge, "destroy", {})
    return gone


def sweep_all(charge: Charge, gone: str) -> None:
    """Remove what nobody can see any more: cgroups, the tree `gone`, the run folder."""
    sweep.sweep_cgroups(charge.leaves, charge.devices)
    trees.remove(gone)
    # Last, because it holds the lock that says that we live.
    trees.remove(charge.run)
