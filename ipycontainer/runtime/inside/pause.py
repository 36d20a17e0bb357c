"""The jobs "pause" and "unpause": a container's processes stand still, and go on."""

from __future__ import annotations

import os

from ipycontainer.errors import Error, Refused, WrongState
from ipycontainer.linux import cgroups, pidfd
from ipycontainer.runtime.inside import freezer
from ipycontainer.runtime.inside.journal import append
from ipycontainer.runtime.inside.kill import open_init
from ipycontainer.runtime.inside.sweep import living_state, unless_swept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.launcher.wire import Channel

_NO_FREEZER = (
    "this machine gives it no control group with a freezer; run as root, or where cgroup v2 is delegated to you "
    "(see `ipycontainer doctor`)"
)


def pause(request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """request: run (the container's run folder), event (the journal's path, the container's id, its attributes there).

    "pause" is written while it stands still, and "unpause" before it goes on: neither follows its "die".
    """
    run = str(request["run"])
    state = living_state(run, "runs")
    leaves = state["cgroups"]
    if not cgroups.has_freezer(leaves):
        raise unless_swept(leaves, Refused(_NO_FREEZER))
    init = open_init(state)
    try:
        with freezer.Turn(run):
            _freeze(run, leaves, init, int(state["pid"]))
            _tell(request, "pause")
    finally:
        os.close(init)
    return {}


def _freeze(run: str, leaves: Sequence[str], init: int, pid: int) -> None:
    freezer.mark(run)
    try:
        cgroups.freeze(leaves)
        # With cgroup v1 what was killed a moment ago stands still too, before it dies.
        if pidfd.has_ended(init) or pidfd.is_being_killed(pid):
            raise WrongState("the container is not running any more")
    except Error as error:
        # Its monitor could not end what stands still.
        freezer.thaw(run, leaves)
        raise unless_swept(leaves, error) from None


def unpause(request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """request: run, event: as of "pause"."""
    run = str(request["run"])
    state = living_state(run, "runs")
    with freezer.Turn(run):
        if freezer.is_marked(run):  # else a kill has just let it go on, and has said so
            os.close(open_init(state))
            _tell(request, "unpause")
        freezer.thaw(run, state["cgroups"])
    return {}


def _tell(request: dict[str, Any], action: str) -> None:
    journal, container, attributes = request["event"]
    append(journal, [("container", action, container, attributes)])
