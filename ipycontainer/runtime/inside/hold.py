"""The job "hold": a container's processes stand still while somebody holds the connection.

Whoever asks may be killed: the connection ends then too, and they go on.  One that is paused stays so.
"""

from __future__ import annotations

from ipycontainer.errors import KernelError, Refused
from ipycontainer.linux import cgroups
from ipycontainer.runtime.inside import freezer
from ipycontainer.runtime.inside.sweep import living_state, unless_swept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel


def hold(request: dict[str, Any], _descriptors: list[int], channel: Channel) -> dict[str, Any] | None:
    """request: run (the container's run folder).  Answers when they stand still, and again when they go on."""
    run = str(request["run"])
    leaves = living_state(run).get("cgroups", [])
    if not cgroups.has_freezer(leaves):
        none = Refused("the container has no control group with a freezer here, so it cannot be made to stand still")
        raise unless_swept(leaves, none)
    try:
        # In here: what could not be frozen whole, for a process sleeps where no signal wakes it, is half frozen.
        try:
            cgroups.freeze(leaves)
        except KernelError as error:
            raise unless_swept(leaves, error) from None
        channel.send({"answer": {}})
        asked = channel.receive()
    finally:
        with freezer.Turn(run):
            if not freezer.is_marked(run) and cgroups.has_freezer(leaves):
                cgroups.thaw(leaves)
    return None if asked is None else {}
