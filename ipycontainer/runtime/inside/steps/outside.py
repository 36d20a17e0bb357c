"""Steps of the starter: the cgroup, the child, its id maps."""

from __future__ import annotations

import os

from ipycontainer.linux import cgroups, idmaps, namespaces
from ipycontainer.runtime.inside.step import Place, Step


class MakeCgroup(Step):
    """Make the container's own cgroup in every hierarchy."""

    call = "mkdir(2)"
    why = "a namespace hides what others have; only a cgroup bounds what the container itself may take"
    shows = "/sys/fs/cgroup/…/ipycontainer/"

    plan: cgroups.CgroupPlan

    def take(self, place: Place) -> None:
        cgroups.make(self.plan)


class Clone(Step):
    """Fork PID 1 into new namespaces of these kinds, in one call."""

    call = "clone3(2)"
    why = "each namespace is one thing of which the container has its own: processes, mounts, host name, network, …"
    shows = "/proc/PID/ns/"

    kinds: tuple[str, ...]
    cgroup: str = ""  # on cgroup v2 the child is born in this group, which costs nothing; a later join does

    def take(self, place: Place) -> None:
        group = os.open(self.cgroup, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) if self.cgroup else -1
        # Not the starter's child, which walks this and ends: the monitor's.
        cloned = namespaces.clone(namespaces.flags_of(self.kinds), group, sibling=True)
        place.child, place.pidfd = cloned.pid, cloned.pidfd
        if group >= 0:
            os.close(group)


class WriteIdMaps(Step):
    """Say which ids of the store namespace the container's ids are."""

    call = "write(2)"
    why = "uid 0 inside is an ordinary user outside; without a map it would be nobody"
    shows = "/proc/PID/uid_map"

    uids: tuple[tuple[int, int, int], ...]
    gids: tuple[tuple[int, int, int], ...]

    def take(self, place: Place) -> None:
        # One step of nesting changes nothing about the ids, but gives the container its own process limit.
        idmaps.write_map(place.child, "uid_map", idmaps.nested([idmaps.Extent(*item) for item in self.uids]))
        idmaps.write_map(place.child, "gid_map", idmaps.nested([idmaps.Extent(*item) for item in self.gids]))
