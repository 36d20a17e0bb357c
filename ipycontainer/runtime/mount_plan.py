"""The mounts of a spec as steps, in the form that this host allows."""

from __future__ import annotations

import os

from ipycontainer.linux import cgroups, mounts
from ipycontainer.runtime.inside.step import Step
from ipycontainer.runtime.inside.steps import cgroup_view, root
from ipycontainer.runtime.inside.steps.volume import FillVolume
from ipycontainer.runtime.launch import Host, Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_ATTRIBUTES = mounts.MOUNT_ATTR_RDONLY | mounts.MOUNT_ATTR_NOSUID | mounts.MOUNT_ATTR_NODEV | mounts.MOUNT_ATTR_NOEXEC

# What takes a flag away again.
_LIFTED = {
    "rw": "ro", "dev": "nodev", "suid": "nosuid", "exec": "noexec", "async": "sync", "atime": "noatime",
    "diratime": "nodiratime", "norelatime": "relatime", "nostrictatime": "strictatime",
}  # fmt: skip


def mount_step(entry: dict[str, Any], host: Host, kinds: tuple[str, ...], kept: bool) -> Step:
    """One mount; kept: something keeps the host's devices away, so nodes in it may open drivers."""
    kind, target = entry.get("type", "bind"), os.path.normpath(entry["destination"])
    options = list(entry.get("options", ()))
    if kind in ("bind", "none") or "bind" in options or "rbind" in options:
        # Only root can make nodes; what an ordinary user shows in a container is what that user may open anyway.
        whole = "bind" not in options
        step = root.Bind(entry["source"], target, "ro" in options, whole, devices=host.rootless or kept)
        return step.replace(propagation="slave") if is_slave(entry) else step
    if kind == "sysfs" and host.rootless and "network" not in kinds:
        # sysfs shows the network namespace's devices, so only its owner may mount one; the host's is shown instead.
        return root.Bind("/sys", target, read_only="ro" in options)
    if kind == "devpts" and host.mode == "one":
        options = [option for option in options if option != "gid=5"]  # the only id there is, is 0
    if kind == "tmpfs" and not kept:
        options.append("nodev")  # in /dev the nodes are the host's, bound; elsewhere --tmpfs …:dev may ask for some
    if kind == "overlay" and host.rootless:
        options.append("userxattr")  # without it a user namespace silently ignores opaque folders
    flags, data = split_options(options)
    source = entry.get("source", "")
    return root.Mount(kind, target, flags, data, "" if source == kind else source)


def is_slave(entry: dict[str, Any]) -> bool:
    """Whether what the host mounts below this folder later is to appear in the container."""
    return "slave" in entry.get("options", ()) or "rslave" in entry.get("options", ())


def fill_steps(launch: Launch, entry: dict[str, Any]) -> list[Step]:
    """What comes before the mount of a volume that takes over the image's files at its first use."""
    target = os.path.normpath(entry["destination"])
    return [
        FillVolume(item["folder"], target) for item in launch.volumes if item["fill"] and item["destination"] == target
    ]


def resting_steps(launch: Launch, host: Host) -> list[Step]:
    """The folders of the host and the volumes of a container that does not run, for whoever copies files."""
    steps: list[Step] = []
    for entry in launch.spec.get("mounts", []):
        if entry.get("type") == "bind" and not entry["source"].startswith(launch.etc_folder + "/"):
            steps += fill_steps(launch, entry)
            steps.append(mount_step(entry, host, (), kept=False))
    return steps


def attributes(entry: dict[str, Any]) -> int:
    """What a mount that is there already is given of this entry's options: MOUNT_ATTR_* are MS_* of the same name."""
    return split_options(list(entry.get("options", ())))[0] & _ATTRIBUTES


def split_options(options: list[str]) -> tuple[int, str]:
    """mount(8)-style options as flags of mount(2) and the rest as the file system's own data."""
    flags, data = 0, []
    for option in options:
        if option in mounts.FLAG_NAMES:
            flags |= mounts.FLAG_NAMES[option]
        elif option in _LIFTED:
            flags &= ~mounts.FLAG_NAMES[_LIFTED[option]]  # the last word counts: noexec, then exec
        elif option != "defaults":
            data.append(option)
    return flags, ",".join(data)


def cgroup_steps(entry: dict[str, Any], name: str, host: Host, group: cgroups.CgroupPlan) -> list[Step]:
    """/sys/fs/cgroup: first what depends on the machine alone, then the container's own groups."""
    target, read_only = entry["destination"], "ro" in entry.get("options", ())
    if host.layout.kind == "unified" and group.clone_into:
        return [cgroup_view.MountUnified(target, read_only)]
    shown = cgroups.shown_groups(host.layout, name, group.leaves)
    steps: list[Step] = [cgroup_view.MakeCgroupFolder(target, tuple(label for label, _ in shown))]
    if shown:
        steps.append(cgroup_view.ShowCgroups(target, shown, read_only))
    return steps
