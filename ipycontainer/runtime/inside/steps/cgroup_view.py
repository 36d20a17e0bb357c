"""Steps that show a container its own cgroups at /sys/fs/cgroup, where programs look for their limits."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError
from ipycontainer.linux import descriptors, mounts
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.steps.root import through

_QUIET = mounts.MS_NOSUID | mounts.MS_NODEV | mounts.MS_NOEXEC


class MakeCgroupFolder(Step):
    """Cover /sys/fs/cgroup with a small tmpfs that has a folder for each hierarchy of the container's."""

    call = "mount(2) tmpfs, mkdir(2)"
    why = "version 1 has a tree for each controller; an ordinary user's container has none, and sees none of the host's"
    shows = "/sys/fs/cgroup"

    target: str
    names: tuple[str, ...]

    def take(self, place: Place) -> None:
        target = _open(place, self.target)
        mounts.mount("tmpfs", through(target), "tmpfs", _QUIET, "size=4k,mode=755")
        os.close(target)
        folder = _open(place, self.target)
        try:
            for name in self.names:
                os.mkdir(name, 0o755, dir_fd=folder)
            if not self.names:
                mounts.set_read_only(folder)
        except OSError as error:
            raise KernelError("mkdir", error.errno or 0, self.target) from None
        finally:
            os.close(folder)


class ShowCgroups(Step):
    """Show the container's own group of each v1 hierarchy, read-only."""

    call = "mount(2) MS_BIND, mount_setattr(2)"
    why = "a program reads its limits here (a JVM's heap); whoever could write here could lift them"
    shows = "/sys/fs/cgroup/memory/memory.limit_in_bytes"

    target: str
    groups: tuple[tuple[str, str], ...]  # (name, the host's folder)
    read_only: bool

    def take(self, place: Place) -> None:
        folder = _open(place, self.target)
        try:
            for name, group in self.groups:
                mounts.bind(group, f"{through(folder)}/{name}", recursive=False)
            attributes = mounts.MOUNT_ATTR_NOSUID | mounts.MOUNT_ATTR_NODEV | mounts.MOUNT_ATTR_NOEXEC
            attributes |= mounts.MOUNT_ATTR_RDONLY if self.read_only else 0
            mounts.set_attributes(folder, attributes, recursive=True)
        finally:
            os.close(folder)


class MountUnified(Step):
    """Mount cgroup v2 as the container's cgroup namespace shows it: its own group is the root."""

    call = "mount(2) cgroup2"
    why = "a program reads its limits here; it comes after the cgroup namespace, which says what is the root"
    shows = "/sys/fs/cgroup/memory.max"

    target: str
    read_only: bool

    def take(self, place: Place) -> None:
        target = _open(place, self.target)
        try:
            flags = _QUIET | (mounts.MS_RDONLY if self.read_only else 0)
            mounts.mount("cgroup2", through(target), "cgroup2", flags)
        finally:
            os.close(target)


def _open(place: Place, path: str) -> int:
    return descriptors.open_in_root(place.root, path, os.O_PATH | os.O_DIRECTORY)
