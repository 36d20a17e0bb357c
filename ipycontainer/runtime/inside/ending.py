"""The end of a container, however far it came: its record, then its sweep."""

from __future__ import annotations

import os
import time

from ipycontainer.errors import CommandNotExecutable, CommandNotFound, Error, KernelError
from ipycontainer.json_text import loads
from ipycontainer.linux import cgroups, locks, trees
from ipycontainer.runtime.container_state import RESTART_LOCK
from ipycontainer.runtime.inside import freezer, life, sweep, volumes
from ipycontainer.runtime.inside.charge import Charge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Event = tuple[str, dict[str, str]]

_OF_PROGRAMS = CommandNotExecutable.exit_code, CommandNotFound.exit_code
_FAILED = 128


def record_failure(charge: Charge, error: Error) -> str:
    """A start that failed; docker has 128 for one that did not come to its program.  As `record`."""
    code = error.exit_code if error.exit_code in _OF_PROGRAMS else _FAILED
    return record(charge, code, False, str(error), first=not charge.remove and not life.has_run(charge.folder))


def record(
    charge: Charge,
    exit_code: int,
    oom_killed: bool,
    error: str,
    events: Sequence[Event] = (),
    again: bool = False,
    durable: bool = True,
    first: bool = False,
) -> str:
    """Write what happened and what lasts, or with --rm let it vanish.  Gives a tree that is to be removed, or "".

    again: its restart policy will start it; durable: what lasts is to survive a power cut; first: no program of it has
    run so far.
    """
    removed = charge.remove and not locks.is_held(os.path.join(charge.run, RESTART_LOCK))
    # All in one write, and before the folder goes: whoever waits for a container that has vanished reads its exit here.
    happened = [*events, *([("destroy", {})] if removed else [])]
    if happened:
        life.record_events(charge, happened)
    if not charge.remove:
        ended = {
            "started": charge.started,
            "finished": time.time(),
            "exit_code": exit_code,
            "oom_killed": oom_killed,
            "error": error,
            **({"restarting": True} if again else {}),
            **({"first": True} if first else {}),
        }
        try:
            life.write_life(charge, ended, durable)
        except KernelError:
            if os.path.isdir(charge.folder):
                raise
            # Somebody has removed the container while it was on its way: nobody is left to be told.
        return ""
    if not removed:
        return ""  # whoever holds the lock starts it again, and nothing of an --rm's ends is kept
    if charge.anonymous:
        volumes.take_along(charge.anonymous, charge.folder, charge.id, charge.journal)
    return sweep.discard(charge.folder, charge.trash, charge.names, charge.name, charge.id)


def settle(charge: Charge) -> None:
    """It was to be started again, and somebody has stopped it: what its record says is its end."""
    try:
        with open(os.path.join(charge.folder, "life.json"), "rb") as file:
            ended = loads(file.read())
    except FileNotFoundError:
        return  # it was removed
    if ended.pop("restarting", None):
        life.write_life(charge, ended, durable=True)


def sweep_to_restart(charge: Charge, lock: int, mode: str) -> None:
    """Remove what its PID 1 left; its lock and its run folder stay for the next one.  mode: Host.mode."""
    if charge.shares_pids:
        cgroups.kill_all(charge.leaves)
    sweep.sweep_cgroups(charge.leaves, charge.devices)
    freezer.forget(charge.run)
    # Whoever finds us killed from here on has the run folder to remove, and nothing else.
    life.mark_waiting(lock, mode)


def sweep_all(charge: Charge, gone: str) -> None:
    """Remove what nobody can see any more: cgroups, the tree `gone`, the run folder."""
    if charge.shares_pids:
        cgroups.kill_all(charge.leaves)  # no namespace has ended with its first process
    sweep.sweep_cgroups(charge.leaves, charge.devices)
    trees.remove(gone)
    # Last, because it holds the lock that says that we live.
    trees.remove(charge.run)
