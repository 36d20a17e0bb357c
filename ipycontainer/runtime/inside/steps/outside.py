"""Steps of the starter: the cgroup, the writable layer's folders, the child, its id maps."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError
from ipycontainer.linux import cgroups, idmaps, namespaces, trees
from ipycontainer.runtime.inside.step import Place, Step


class MakeCgroup(Step):
    """Make the container's own cgroup in every hierarchy and write its limits."""

    call = "mkdir(2), write(2)"
    why = "a namespace hides what others have; only a cgroup bounds what the container itself may take"
    shows = "/sys/fs/cgroup/…/ipycontainer/ID"

    plan: cgroups.CgroupPlan

    def take(self, place: Place) -> None:
        cgroups.make(self.plan)


class MakeWritableLayer(Step):
    """Make the folders of the writable layer: upper for the changes, work for overlay's own use."""

    call = "mkdir(2)"
    why = "layers of an image are shared and never change; a container writes into one of its own"
    shows = "containers/ID/0/upper"

    upper: str
    work: str

    def take(self, place: Place) -> None:
        for folder in (self.upper, self.work):
            try:
                os.makedirs(folder, 0o755, exist_ok=True)
            except OSError as error:
                raise KernelError("mkdir", error.errno or 0, folder) from None
        os.chmod(self.upper, 0o755)
        # A volatile overlay marks its work folder, and a second mount is refused (EINVAL) while the mark is there.
        trees.remove(os.path.join(self.work, "work", "incompat"))


class Clone(Step):
    """Fork PID 1 into new namespaces of these kinds, in one call."""

    call = "clone3(2)"
    why = "each namespace is one thing of which the container has its own: processes, mounts, host name, network, …"
    shows = "/proc/PID/ns/"

    kinds: tuple[str, ...]
    cgroup: str = ""  # on cgroup v2 the child is born in this group, which costs nothing; a later join does

    def take(self, place: Place) -> None:
        group = os.open(self.cgroup, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) if self.cgroup else -1
        # The child is the monitor's, not this process's: the monitor stays, the starter ends.
        cloned = namespaces.clone(namespaces.flags_of(self.kinds), group, for_parent=True)
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
