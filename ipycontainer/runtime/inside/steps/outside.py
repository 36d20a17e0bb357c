"""Steps of the monitor: the cgroup, the child, its id maps."""

from __future__ import annotations

import os

from ipycontainer.errors import Error, StartError
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
    joined: tuple[tuple[str, str], ...] = ()  # (kind, path) of namespaces that are there already; user first

    def take(self, place: Place) -> None:
        group = os.open(self.cgroup, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) if self.cgroup else -1
        flags = namespaces.flags_of(self.kinds)
        if self.joined:
            place.child, place.pidfd = self._beside(flags, group)
        else:
            cloned = namespaces.clone(flags, group)
            place.child, place.pidfd = cloned.pid, cloned.pidfd
        if group >= 0:
            os.close(group)

    def _beside(self, flags: int, group: int) -> tuple[int, int]:
        """By a process between, for whoever has joined a user namespace cannot leave it; PID 1 is ours all the same."""
        ours, theirs = os.pipe()
        between = os.fork()
        if between == 0:
            try:
                os.close(ours)
                there = [(kind, os.open(path, os.O_RDONLY | os.O_CLOEXEC)) for kind, path in self.joined]
                for kind, descriptor in there:
                    namespaces.setns(descriptor, namespaces.FLAGS[kind])
                cloned = namespaces.clone(flags | namespaces.CLONE_PARENT, group)
                if cloned.pid == 0:
                    os.close(theirs)
                    return 0, -1
                os.write(theirs, str(cloned.pid).encode())
            except (Error, OSError) as error:
                os.write(theirs, str(error).encode())
            os._exit(0)
        os.close(theirs)
        said = os.read(ours, 4096).decode()
        os.close(ours)
        os.waitpid(between, 0)
        if not said.isdecimal():
            raise StartError(f"the container's namespaces cannot be joined again: {said}; start it by hand")
        return int(said), os.pidfd_open(int(said))


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
