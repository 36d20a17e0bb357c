"""A slot: a plan whose first steps have been walked while nobody waited.

Every plan on this host begins alike: PID 1 in new namespaces, its id maps, the loopback.  A starter that waits
for a request has walked those steps already, with the same code; they are kept as the records that they are,
and whoever walks the whole plan later leaves out the steps that are equal.
A plan whose Clone is another one (other namespaces, another cgroup) cannot use the slot and goes the cold way.
"""

from __future__ import annotations

import os

from ipycontainer.errors import Error
from ipycontainer.launcher import wire
from ipycontainer.runtime.inside import container
from ipycontainer.runtime.inside.rehearsal import rehearse, sample
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.steps.namespaces import (
    AwaitMonitor,
    BecomeRoot,
    RaiseLoopback,
    TellChild,
)
from ipycontainer.runtime.inside.steps.outside import Clone, WriteIdMaps
from ipycontainer.runtime.inside.walk import walk
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ipycontainer.launcher.wire import Channel

# What of a plan depends on this machine alone, and is therefore the same in every plan.
_OUTSIDE = (Clone, WriteIdMaps, TellChild)
# Not DetachMounts: while a slot waits, the host's later mounts must still reach it, and its umounts too.
_INSIDE = (AwaitMonitor, BecomeRoot, RaiseLoopback)


class Slot:
    """PID 1 of a container to be: it waits on `channel` for the Launch and its standard streams.

    walked: the steps that need not be taken any more, outside.
    """

    def __init__(self, place: Place, channel: Channel, walked: tuple[Step, ...]) -> None:
        self.child = place.child
        self.pidfd = place.pidfd
        self.channel = channel
        self.walked = walked

    def fits(self, clone: Step) -> bool:
        """Whether a plan with this Clone can go on from here."""
        return clone in self.walked

    def give_up(self) -> None:
        """PID 1 ends when nobody can write to it any more."""
        self.channel.close()
        os.close(self.pidfd)


def prepare(host: Host) -> Slot | None:
    """Walk what can be walked ahead; None where that fails: the cold way will then say why."""
    launch = Launch.from_dict({**sample(), "id": "rehearsal"})
    steps = plan(launch, host)
    outside = tuple(step for step in steps.outside if isinstance(step, _OUTSIDE))
    inside = tuple(step for step in steps.inside if isinstance(step, _INSIDE))
    ours, theirs = wire.pair()
    place = Place(launch, ours)
    try:
        walk("outside", outside[:1], place)
        if place.child == 0:
            ours.close()
            _wait_inside(place, theirs, host, inside)
        theirs.close()
        walk("outside", outside[1:], place)
        rehearse(host)
    except Error:
        return None
    return Slot(place, ours, outside)


def _wait_inside(place: Place, channel: Channel, host: Host, steps: tuple[Step, ...]) -> NoReturn:
    """PID 1: walk the first steps, wait for the rest."""
    place.channel = channel
    message = None
    try:
        container.stand_alone(place)
        walk("inside", steps, place)
        rehearse(host)
        message = channel.receive()
    finally:
        if message is None:
            os._exit(0)  # the launcher leaves, or the request fitted no slot
    place.launch = Launch.from_dict(message.document)
    place.walked = steps
    whole = plan(place.launch, host)
    container.become(place, message.descriptors, [("inside", whole.inside), ("last", whole.last)])
