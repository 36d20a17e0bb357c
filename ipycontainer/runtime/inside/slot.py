"""A slot: a plan whose first steps have been walked while nobody waited.

Whoever runs containers mostly runs the same one again.  So in a slot PID 1 has its cgroup and its namespaces, walks
the plan of the request that came last as far as nothing in it is one container's own (its name, what is in its files
below /etc), and waits for the next request itself.  The steps are kept as the records that they are: if the plan of
what comes begins with the same, it goes on from there; else it fits no slot, and the monitor walks the whole plan from
its beginning.

Where the last plan shows a folder of the host, the slot stops before that and keeps the host's mounts: what is
mounted there while it waits must be seen in the container that comes.

A slot's cgroup keeps its name when a container moves in; its run folder and its writable layer are renamed.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Error, to_wire
from ipycontainer.json_text import dumps, loads
from ipycontainer.linux import cgroups, prctl
from ipycontainer.linux.durability import write_file
from ipycontainer.linux.pidfd import start_time
from ipycontainer.runtime.inside import container, life
from ipycontainer.runtime.inside.charge import charge_of
from ipycontainer.runtime.inside.rehearsal import rehearse, sample
from ipycontainer.runtime.inside.starter import tell
from ipycontainer.runtime.inside.step import Place, Plan, Step
from ipycontainer.runtime.inside.steps.confine import LimitBounding
from ipycontainer.runtime.inside.steps.namespaces import AwaitMonitor, SetDomainname, SetHostname
from ipycontainer.runtime.inside.steps.root import Bind, DetachMounts, MakeWritableLayer, Mount, WriteEtcFiles
from ipycontainer.runtime.inside.steps.volume import FillVolume
from ipycontainer.runtime.inside.streams import program_pipes
from ipycontainer.runtime.inside.walk import forbid_imports, walk
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import (
    early_steps,
    exec_joins,
    namespace_kinds,
    outside_steps,
    plan,
    shared_devices,
)
from ipycontainer.runtime.program_plan import last_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from ipycontainer.launcher.waiting import Waiting
    from ipycontainer.launcher.wire import Channel

_SIGKILL = 9
# Of a slot's names; behind it a word that never comes again, and when the monitor was started, and its number, which
# does: in this store and in every other one of this machine, and a control group's name is all that a sweep has.
PREFIX = "slot-"
FOLDER = "slots"
_EXPECTED = "expected"
# One container's own: never walked ahead.
_OWN = (WriteEtcFiles, SetHostname, SetDomainname)


class Slots:
    """Where slots are made: root, run: the store's folder and its run folder."""

    def __init__(self, host: Host, root: str, run: str) -> None:
        self.host = host
        self.root = root
        self.run = run
        self.launch = Launch.from_dict(sample())
        self.kinds = namespace_kinds(self.launch.spec, host.rootless)

    def expected(self) -> dict[str, Any] | None:
        """The request that came last."""
        try:
            with open(os.path.join(self.run, _EXPECTED), "rb") as file:
                found: dict[str, Any] = loads(file.read())
        except FileNotFoundError:
            return None
        return found

    def expect(self, request: dict[str, Any]) -> None:
        """The next slots are made for requests like this one."""
        try:
            write_file(os.path.join(self.run, _EXPECTED), [dumps(request).encode()], 0o600, durable=False)
        except OSError:
            pass  # a full disk: slots are then made for what came before

    def expect_nothing(self) -> None:
        """What was expected cannot be made ready any more: its image is gone, or its machine has changed."""
        try:
            os.unlink(os.path.join(self.run, _EXPECTED))
        except FileNotFoundError:
            pass


class Slot:
    """One slot, as the monitor makes it and as PID 1 finds it after the fork.

    outside: the steps that a plan must have to go on from here; layer: its writable layer; lock: its run folder's.
    """

    def __init__(self, slots: Slots, number: int) -> None:
        self._slots, self._host = slots, slots.host
        self.name = f"{PREFIX}{os.urandom(6).hex()}-{start_time(number)}-{number}"
        self.run = os.path.join(slots.run, FOLDER, self.name)
        self.layer = os.path.join(slots.root, FOLDER, self.name)
        self.group = cgroups.plan_cgroup(slots.host.layout, self.name, cgroups.Limits())
        self.kinds = slots.kinds
        self.outside = tuple(outside_steps(slots.launch, slots.host, slots.kinds, self.group))
        self._early = tuple(early_steps(slots.launch, slots.host, slots.kinds, self.group))
        usual = Plan(self.outside, self._early, ())
        self.joins, self.devices = exec_joins(usual), shared_devices(usual)
        self._walked: tuple[Step, ...] = ()
        self._not_walked: tuple[type[Step], ...] = _OWN
        self._is_fit = True
        self._was_expected = False
        self._bounding: Step | None = None
        self._expected: dict[str, Any] | None = None
        self._whole: Plan | None = None
        self._folders: list[int] = []
        self._trees: list[tuple[int, int]] = []
        self._null = -1
        self.lock = life.claim(self.run)

    def wait(self, place: Place, channel: Channel, waiting: Waiting) -> NoReturn:
        """PID 1: walk the first steps, wait for the request, walk the rest."""
        place.channel = channel
        client = None
        try:
            # Not the lock: it says that the monitor lives.
            container.stand_alone(place, waiting.descriptors())
            prctl.set_parent_death_signal(_SIGKILL)
            forbid_imports()
            # From here on the host's folders may be out of sight.
            self._folders = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in (self._slots.run, self._slots.root)]
            self._null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
            self._prepare(place, None if waiting.hurried else self._slots.expected())
            client = waiting.accept([channel.fileno()])
            message = client.receive() if client is not None else None
            if client is not None and message is not None:
                self._take(place, client, message.document)
        except Error as error:
            if client is not None:
                tell(client, {"error": to_wire(error)})
            container.say(channel, error)
        finally:
            os._exit(0)  # the launcher leaves, or nobody has come for a while

    def _prepare(self, place: Place, expected: dict[str, Any] | None) -> None:
        if expected is None:
            walk("inside", self._early, place)
            self._walked = self._early
            return
        place.launch = Launch.from_dict(expected)
        whole = self._plan(expected)
        if whole.outside != self.outside:
            self._is_fit = False
            # Whoever comes is passed on, by a process that ends: not before the monitor has written its maps.
            walk("inside", [step for step in self._early if isinstance(step, AwaitMonitor)], place)
            return
        steps, self._not_walked = _ahead(whole, place.launch.etc_folder)
        walk("inside", steps, place)
        self._walked = steps
        # What is given up here counts from execve on; it is most of what `last` has to say to the kernel.
        self._bounding = next(step for step in whole.last if isinstance(step, LimitBounding))
        walk("last", [self._bounding], place)
        self._expected, self._whole = expected, whole
        self._trees = self._trees_of(expected)
        rehearse(self._host, expected)

    def _trees_of(self, request: dict[str, Any]) -> list[tuple[int, int]]:
        """Which folders its layers are: one that was removed and unpacked again has the same path, and is another."""
        above = len(self._slots.root) + 1
        found = [os.stat(path[above:], dir_fd=self._folders[1]) for path in request["lowers"]]
        return [(status.st_ino, status.st_ctime_ns) for status in found]

    def _plan(self, request: dict[str, Any]) -> Plan:
        """A request's plan, in this slot's group and on its layer."""
        if self._has_layer or not self._walked:
            request = {**request, "generation": self.layer}
        return plan(Launch.from_dict(request), self._host, self.name)

    @property
    def _has_layer(self) -> bool:
        return any(isinstance(step, MakeWritableLayer) for step in self._walked)

    def _take(self, place: Place, client: Channel, document: dict[str, Any]) -> NoReturn:
        """From the request to the program."""
        assert place.channel is not None
        whole = self._fitting(document)
        if whole is None or not self._move_in(document["request"]):
            place.channel.send({"unfit": document}, [client.fileno()])
            os._exit(0)
        launch = Launch.from_dict(document["request"])
        place.launch = launch
        theirs, ours = program_pipes(launch, piped=True, null=self._null)
        charge = charge_of(launch, time.time(), self.group.leaves, self.devices)
        # Who may have to start it again, or its probes, needs to know how.
        whole_request = {"launch": document["request"]} if launch.restart or launch.health else {}
        place.channel.send({"charge": charge.as_dict(), **whole_request}, [client.fileno(), *ours])
        if not self._was_expected and _ahead(whole, launch.etc_folder)[0] != self._walked:
            self._slots.expect(document["request"])  # more could have been done for it than was
        inside, last = self._left(whole.inside), [step for step in whole.last if step != self._bounding]
        container.become(
            place, theirs, [("inside", inside), ("last", last)], [*place.etc.values(), place.root], alone=True
        )

    def _fitting(self, document: dict[str, Any]) -> Plan | None:
        """The plan of the request, if it can go on from here; a bad request is for the monitor to answer."""
        if not self._is_fit or document.get("job") != "run":
            return None
        try:
            if self._trees and self._trees_of(document["request"]) != self._trees:
                return None
            whole = self._as_expected(document["request"])
            if whole is not None:
                self._was_expected = True
                return whole
            whole = self._plan(document["request"])
        except (Error, OSError):
            return None
        rest = tuple(step for step in whole.inside if not isinstance(step, self._not_walked))
        fits = whole.outside == self.outside and rest[: len(self._walked)] == self._walked
        return whole if fits and (self._bounding is None or self._bounding in whole.last) else None

    def _left(self, inside: Sequence[Step]) -> list[Step]:
        """What of these steps is still to be walked."""
        left, walked = [], 0
        for step in inside:
            if not isinstance(step, self._not_walked) and walked < len(self._walked):
                walked += 1
            else:
                left.append(step)
        return left

    def _as_expected(self, request: dict[str, Any]) -> Plan | None:
        """The plan of a request that differs from the last one in nothing but names and the program."""
        if self._expected is None or self._whole is None or not _is_alike(request, self._expected):
            return None
        launch = Launch.from_dict(request)
        last = tuple(last_steps(launch, self._host))
        if self._bounding not in last:
            return None  # a bounding set that was limited further than this one's cannot grow again
        return Plan(self.outside, tuple(_named(step, launch.spec) for step in self._whole.inside), last)

    def _move_in(self, request: dict[str, Any]) -> bool:
        """Give the container this slot's folders; False where it has its own, from an earlier start.

        The run folder first: with it comes the lock, and nobody else can start or remove the container any more.
        """
        run, store = self._folders
        ours, claimed = f"{FOLDER}/{self.name}", os.path.relpath(request["run"], self._slots.run)
        try:
            os.rename(ours, claimed, src_dir_fd=run, dst_dir_fd=run)
        except OSError:
            return False
        try:
            # Whoever removes the container has its lock for it: from here on it stays, if it is still there.
            os.stat(os.path.relpath(request["folder"], self._slots.root), dir_fd=store)
            if self._has_layer:
                layer = os.path.relpath(request["generation"], self._slots.root)
                os.rename(ours, layer, src_dir_fd=store, dst_dir_fd=store)
        except OSError:
            os.rename(claimed, ours, src_dir_fd=run, dst_dir_fd=run)
            return False
        return True


def _named(step: Step, spec: dict[str, Any]) -> Step:
    """The step, with this spec's name where it gives one."""
    if isinstance(step, SetHostname):
        return SetHostname(spec.get("hostname", ""))
    return SetDomainname(spec["domainname"]) if isinstance(step, SetDomainname) else step


def _is_alike(request: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two requests have the same steps outside and inside, but for the host's name: plan() on two documents."""
    ours, theirs = request["spec"], other["spec"]
    return (
        all(request[name] == other[name] for name in ("lowers", "staging", "etc_folder"))
        and request["etc"].keys() == other["etc"].keys()
        and all(ours.get(name) == theirs.get(name) for name in ("linux", "mounts", "root"))
        and request.get("volumes") == other.get("volumes")
        and all(bool(ours.get(name)) == bool(theirs.get(name)) for name in ("hostname", "domainname"))
    )


def _ahead(whole: Plan, etc_folder: str) -> tuple[tuple[Step, ...], tuple[type[Step], ...]]:
    """What of a plan can be walked before the container is known, and what is left out on the way.

    Where a folder of the host is shown, only what comes before that, and the host's mounts stay: what is mounted there
    meanwhile shall be seen.
    """

    def is_shared(step: Step) -> bool:
        layers = isinstance(step, Mount) and step.kind == "overlay"
        return (
            isinstance(step, FillVolume)
            or layers
            or (isinstance(step, Bind) and not step.source.startswith(etc_folder))
        )

    shared = next((number for number, step in enumerate(whole.inside) if is_shared(step)), None)
    left_out = _OWN if shared is None else (*_OWN, DetachMounts)
    return tuple(step for step in whole.inside[:shared] if not isinstance(step, left_out)), left_out
