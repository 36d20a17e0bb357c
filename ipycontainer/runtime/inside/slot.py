"""A slot: a plan whose first steps have been walked while nobody waited.

Every plan on this host begins alike: a cgroup, PID 1 in new namespaces, its id maps, the loopback, /proc, /dev and
/sys with what is masked in them.  In a slot PID 1 has walked those steps already, with the same code, and waits for
the request itself; the steps are kept as the records that they are, and the plan of the container that comes is
walked without those that are equal.  What was mounted ahead lies on a small tmpfs and moves into the root once there
is one.  A request whose plan lacks one of these steps (other namespaces, a group with other controllers, less
mounted) fits no slot: the monitor then walks its plan from the beginning.

A slot's cgroup keeps its name when a container moves in; its run folder gets the container's.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Error
from ipycontainer.linux import cgroups, mounts, prctl
from ipycontainer.runtime.inside import container, life
from ipycontainer.runtime.inside.charge import charge_of
from ipycontainer.runtime.inside.rehearsal import rehearse, sample
from ipycontainer.runtime.inside.step import Place, Plan, Step
from ipycontainer.runtime.inside.steps.devices import MakeDevices
from ipycontainer.runtime.inside.steps.root import (
    Bind,
    MaskPaths,
    Mount,
    MountOverlay,
    MoveMounts,
    ReadOnlyPaths,
)
from ipycontainer.runtime.inside.streams import program_pipes
from ipycontainer.runtime.inside.walk import walk
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import early_steps, namespace_kinds, outside_steps, plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from ipycontainer.launcher.waiting import Waiting
    from ipycontainer.launcher.wire import Channel

_STAGED = (Mount, MakeDevices, MaskPaths, ReadOnlyPaths, Bind)
_SIGKILL = 9
# Of a slot's names; the rest is the monitor's number.
PREFIX = "slot-"


class Usual:
    """What is the same in every container that asks for nothing special: found once, in the launcher.

    launch: a Launch of that kind; staged: what of its plan can be mounted before there is a root.
    """

    def __init__(self, host: Host, run: str) -> None:
        self.launch = Launch.from_dict({**sample(), "staging": os.path.join(run, "root")})
        self.kinds = namespace_kinds(self.launch.spec, host.rootless)
        self.folder = os.path.join(run, "slots")
        whole = plan(self.launch, host)
        self.staged = tuple(step for step in whole.inside if isinstance(step, _STAGED))


class Slot:
    """One slot, as the monitor makes it and as PID 1 finds it after the fork.

    outside, early, staged: the steps that a plan must have to go on from here; lock: its run folder's.
    """

    def __init__(self, host: Host, usual: Usual, number: int) -> None:
        self.name = f"{PREFIX}{number}"
        self.run = os.path.join(usual.folder, self.name)
        group = cgroups.plan_cgroup(host.layout, self.name, cgroups.Limits())
        self.leaves, self.joins, self.kinds = group.leaves, group.joins, usual.kinds
        self.outside = tuple(outside_steps(host, usual.kinds, group))
        self._early = tuple(early_steps(host, usual.kinds, group))
        self._staged = usual.staged
        self._host = host
        self.lock = life.claim(self.run)

    def wait(self, place: Place, channel: Channel, waiting: Waiting) -> NoReturn:
        """PID 1: walk the first steps, wait for the request, walk the rest."""
        place.channel = channel
        client, document = None, None
        try:
            container.stand_alone(place, [self.lock, *waiting.descriptors()])
            prctl.set_parent_death_signal(_SIGKILL)
            walk("inside", self._early, place)
            staging = _stage(place, self._staged)
            if not waiting.hurried:
                rehearse(self._host)
            client = waiting.accept([channel.fileno()])
            message = client.receive() if client is not None else None
            document = message.document if message is not None else None
        except Error as error:
            container.say(channel, error)
        finally:
            if document is None:
                os._exit(0)  # the launcher leaves, or nobody has come for a while
        assert client is not None
        self._take(place, client, document, staging)

    def _take(self, place: Place, client: Channel, document: dict[str, Any], staging: int) -> NoReturn:
        """From the request to the program."""
        assert place.channel is not None
        whole = self._fitting(document)
        if whole is None or not life.move(self.run, document["request"]["run"]):
            place.channel.send({"unfit": document}, [client.fileno()])
            os._exit(0)
        launch = Launch.from_dict(document["request"])
        charge = charge_of(launch, time.time(), self.leaves)
        place.launch = launch
        place.walked = (*self.outside, *self._early, *self._staged)
        theirs, ours = program_pipes(launch, piped=True)
        place.channel.send({"charge": charge.as_dict()}, [client.fileno(), *ours])
        client.close()
        for descriptor in ours:
            os.close(descriptor)
        try:
            life.begin(self.lock, charge)
        except Error as error:
            container.say(place.channel, error)
            os._exit(125)
        hinge = 1 + next(number for number, step in enumerate(whole.inside) if isinstance(step, MountOverlay))
        inside = [*whole.inside[:hinge], MoveMounts(staging), *whole.inside[hinge:]]
        container.become(place, theirs, [("inside", inside), ("last", whole.last)], [staging])

    def _fitting(self, document: dict[str, Any]) -> Plan | None:
        """The plan of the request, if it can go on from here; a bad request is for the monitor to answer."""
        if document.get("job") != "run" or document["request"].get("fault"):
            return None
        try:
            whole = plan(Launch.from_dict(document["request"]), self._host, self.name)
        except Error:
            return None
        fits = whole.outside == self.outside and all(step in whole.inside for step in (*self._early, *self._staged))
        return whole if fits else None


def _stage(place: Place, steps: Sequence[Step]) -> int:
    """Mount on a tmpfs what will be moved into the root; gives a descriptor of it."""
    staging = place.launch.staging
    mounts.mount("tmpfs", staging, "tmpfs", mounts.MS_NOSUID | mounts.MS_NODEV, "size=64k,mode=755")
    place.root = os.open(staging, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    place.null = os.open("/dev/null", os.O_PATH | os.O_CLOEXEC)
    walk("inside", steps, place)
    os.close(place.null)
    return place.root
