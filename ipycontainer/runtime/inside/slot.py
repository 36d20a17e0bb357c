"""A slot: a plan whose first steps have been walked while nobody waited.

Every plan on this host begins alike: PID 1 in new namespaces, its id maps, the loopback,
/proc, /dev and /sys with what is masked in them.  A starter that waits for a request has walked those
steps already, with the same code; they are kept as the records that they are, and whoever walks the whole plan later
leaves out the steps that are equal.  What was mounted ahead lies on a small tmpfs and moves into the root once there
is one.  A plan that has another Clone (other namespaces, another cgroup), or not all of what is mounted, cannot use
the slot and goes the cold way.
"""

from __future__ import annotations

import os

from ipycontainer.errors import Error
from ipycontainer.launcher import wire
from ipycontainer.linux import cgroups, mounts
from ipycontainer.runtime.inside import container
from ipycontainer.runtime.inside.rehearsal import rehearse, sample
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.steps.cgroup_view import MakeCgroupFolder
from ipycontainer.runtime.inside.steps.devices import JoinDevices, MakeDevices
from ipycontainer.runtime.inside.steps.namespaces import (
    AwaitMonitor,
    BecomeRoot,
    JoinKeyring,
    RaiseLoopback,
    SetSysctls,
    TellChild,
)
from ipycontainer.runtime.inside.steps.outside import Clone, WriteIdMaps
from ipycontainer.runtime.inside.steps.root import (
    Bind,
    MaskPaths,
    Mount,
    MountOverlay,
    MoveMounts,
    ReadOnlyPaths,
)
from ipycontainer.runtime.inside.walk import walk
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from ipycontainer.launcher.wire import Channel

# What of a plan depends on this machine alone, and is therefore the same in every plan.
_OUTSIDE = (Clone, WriteIdMaps, TellChild)
# Not DetachMounts: what the host mounts while a slot waits must arrive there, for a later -v, and what it unmounts go.
_INSIDE = (AwaitMonitor, BecomeRoot, JoinKeyring, JoinDevices, RaiseLoopback)
_STAGED = (Mount, MakeDevices, MakeCgroupFolder, SetSysctls, MaskPaths, ReadOnlyPaths, Bind)


class Slot:
    """PID 1 of a container to be: it waits on `channel` for the Launch and its standard streams.

    walked: the steps that need not be taken any more, outside; staged: the mounts that a plan must have to use it.
    """

    def __init__(self, place: Place, channel: Channel, walked: tuple[Step, ...], staged: tuple[Step, ...]) -> None:
        self.child = place.child
        self.pidfd = place.pidfd
        self.channel = channel
        self.walked = walked
        self._staged = staged

    def fits(self, clone: Step, inside: Sequence[Step]) -> bool:
        """Whether a plan with this Clone and these steps inside can go on from here."""
        return clone in self.walked and all(step in inside for step in self._staged)

    def give_up(self) -> None:
        """PID 1 ends when nobody can write to it any more."""
        self.channel.close()
        os.close(self.pidfd)


def prepare(host: Host, staging: str) -> Slot | None:
    """Walk what can be walked ahead; None where that fails: the cold way will then say why.

    staging: an empty folder that a mount may cover.
    """
    launch = Launch.from_dict({**sample(), "id": "rehearsal", "staging": staging})
    steps = plan(launch, host)
    outside = tuple(step for step in steps.outside if isinstance(step, _OUTSIDE))
    inside = tuple(step for step in steps.inside if isinstance(step, _INSIDE))
    staged = tuple(step for step in steps.inside if isinstance(step, _STAGED))
    ours, theirs = wire.pair()
    place = Place(launch, ours)
    try:
        walk("outside", outside[:1], place)
        if place.child == 0:
            ours.close()
            _wait_inside(place, theirs, host, inside, staged)
        theirs.close()
        walk("outside", outside[1:], place)
        rehearse(host)
    except Error:
        return None
    return Slot(place, ours, outside, staged)


def _stage(place: Place, steps: Sequence[Step]) -> int:
    """Mount on a tmpfs what will be moved into the root; gives a descriptor of it."""
    staging = place.launch.staging
    mounts.mount("tmpfs", staging, "tmpfs", mounts.MS_NOSUID | mounts.MS_NODEV, "size=64k,mode=755")
    place.root = os.open(staging, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    place.null = os.open("/dev/null", os.O_PATH | os.O_CLOEXEC)
    walk("inside", steps, place)
    os.close(place.null)
    return place.root


def _wait_inside(
    place: Place, channel: Channel, host: Host, steps: tuple[Step, ...], staged: tuple[Step, ...]
) -> NoReturn:
    """PID 1: walk the first steps, wait for the rest."""
    place.channel = channel
    message = None
    try:
        container.stand_alone(place)
        walk("inside", steps, place)
        staging = _stage(place, staged)
        rehearse(host)
        message = channel.receive()
    finally:
        if message is None:
            # The launcher leaves, or the request fitted no slot.
            if host.devices and any(isinstance(step, JoinDevices) for step in steps):
                cgroups.devices.leave_shared(host.devices)
            os._exit(0)
    place.launch = Launch.from_dict(message.document)
    place.walked = (*steps, *staged)
    whole = plan(place.launch, host)
    hinge = 1 + next(number for number, step in enumerate(whole.inside) if isinstance(step, MountOverlay))
    inside = [*whole.inside[:hinge], MoveMounts(staging), *whole.inside[hinge:]]
    container.become(place, message.descriptors, [("inside", inside), ("last", whole.last)], [staging])
