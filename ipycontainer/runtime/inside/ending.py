"""The end of a container, however far it came: its record, then its sweep."""

from __future__ import annotations

import time

from ipycontainer.linux import trees
from ipycontainer.runtime.inside import life, sweep
from ipycontainer.runtime.inside.charge import Charge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Event = tuple[str, dict[str, str]]


def record(charge: Charge, exit_code: int, oom_killed: bool, error: str, events: Sequence[Event] = ()) -> str:
    """Write what happened and what lasts, or with --rm let it vanish.  Gives a tree that is to be removed, or ""."""
    # All in one write, and before the folder goes: whoever waits for a container that has vanished reads its exit here.
    happened = [*events, *([("destroy", {})] if charge.remove else [])]
    if happened:
        life.record_events(charge, happened)
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
    return sweep.discard(charge.folder, charge.trash, charge.names, charge.name, charge.id)


def sweep_all(charge: Charge, gone: str) -> None:
    """Remove what nobody can see any more: cgroups, the tree `gone`, the run folder."""
    sweep.sweep_cgroups(charge.leaves, charge.devices)
    trees.remove(gone)
    # Last, because it holds the lock that says that we live.
    trees.remove(charge.run)
