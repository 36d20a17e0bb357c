"""The job "kill": send a signal to a container's PID 1, and to nobody else."""

from __future__ import annotations

import os
import time

from ipycontainer.errors import KernelError, WrongState
from ipycontainer.launcher import alive
from ipycontainer.linux import cgroups, namespaces, pidfd
from ipycontainer.runtime.inside import freezer, stopped
from ipycontainer.runtime.inside.journal import append
from ipycontainer.runtime.inside.sweep import living_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.launcher.wire import Channel

_ESRCH, _SIGKILL = 3, 9
_LOOK = 0.01
_PATIENCE = 5.0  # seconds


def open_init(state: dict[str, Any]) -> int:
    """A pidfd of the PID 1 that `state` names.  Raises WrongState when that process is gone.

    The number may have been used again: only after the descriptor is open, so that it can no longer be, is
    the process's start time compared.
    """
    try:
        descriptor = pidfd.open_process(int(state["pid"]))
    except KernelError:
        raise WrongState("the container is not running any more") from None
    try:
        if pidfd.start_time(int(state["pid"])) == state["start_time"] and not pidfd.has_ended(descriptor):
            return descriptor
    except KernelError:
        pass
    os.close(descriptor)
    raise WrongState("the container is not running any more")


def join(init: int, flags: int) -> None:
    """Enter these namespaces of what `open_init` gave.  Raises WrongState when that has ended since."""
    try:
        namespaces.setns(init, flags)
    except KernelError as error:
        if error.errno != _ESRCH:
            raise
        raise WrongState("the container is not running any more") from None


def _once_started(run: str) -> dict[str, Any]:
    """The state of a living container; a start that is under way is let through first, as docker's is.

    Else its end would be a failed start's.  One that does not come through within a bound is met where it is.
    """
    state, end = living_state(run), time.monotonic() + _PATIENCE
    while "runs" not in state and alive.is_alive(run) and time.monotonic() < end:
        time.sleep(0.001)
        state = living_state(run)
    return state


def kill(request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """request: run (the container's run folder), signal (a number), thaw (what is paused goes on, and meets it);

    folder (its own, where it has a restart policy, which is to know of this), final (the policy ends by it);
    event (the journal's path, the container's id, its attributes there): "kill", and the "unpause" of what is
    thawed, stand before what the signal brings about.
    """
    run, folder = str(request["run"]), str(request.get("folder", ""))
    if folder:
        if not alive.is_alive(run):
            raise WrongState("the container is not running")
        stopped.mark(folder, bool(request["final"]))
        if request["final"] and stopped.wake(run):
            return {}  # it waits to be started again, and has no process
    state = _once_started(run)
    with freezer.Turn(run):
        _signal(request, run, state)
    return {}


def _let_end(init: int, leaves: Sequence[str]) -> None:
    """What stands still does not die on cgroup v1: let it go on, until PID 1 has ended.

    It may be held (hold.py), and whoever holds it be dead; or it has groups of its own, and with PID 1 the kernel ends
    whoever is in there first.  Whoever goes on for a moment may make the others stand still again.
    """
    end = time.monotonic() + _PATIENCE
    try:
        while _let_go(leaves) and not pidfd.await_end(init, _LOOK) and time.monotonic() < end:
            pass
    except KernelError:
        if not pidfd.has_ended(init):
            raise


def _let_go(leaves: Sequence[str]) -> bool:
    """Whether anything stood still."""
    found = cgroups.has_freezer(leaves) and cgroups.is_frozen(leaves)
    if found:
        cgroups.thaw(leaves)
    return cgroups.thaw_below(leaves) or found


def _signal(request: dict[str, Any], run: str, state: dict[str, Any]) -> None:
    descriptor = open_init(state)
    thawed = bool(request.get("thaw")) and freezer.is_marked(run)
    if request.get("event"):
        journal, container, attributes = request["event"]
        # Before the signal, for with cgroup v2 SIGKILL ends what is frozen too: nothing may follow its "die".
        unpaused = [("container", "unpause", container, attributes)] if thawed else []
        killed = {**attributes, "signal": str(request["signal"])}
        append(journal, [("container", "kill", container, killed), *unpaused])
    try:
        pidfd.send_signal(descriptor, int(request["signal"]))
        if thawed:
            freezer.thaw(run, state["cgroups"])
        if request["signal"] == _SIGKILL:
            _let_end(descriptor, state["cgroups"])
    except KernelError as error:
        if error.errno != _ESRCH:
            raise
        raise WrongState("the container is not running any more") from None
    finally:
        os.close(descriptor)
