"""What control groups this host has, and where the caller sits in them.

Two texts say it: /proc/self/mountinfo (which hierarchies are mounted, where)
and /proc/self/cgroup (the caller's own path in each).  Parsing them is pure;
`read_layout` adds what only the tree itself knows: may a child be made here.
"""

from __future__ import annotations

import os

from ipycontainer.linux.cgroups.files import text
from ipycontainer.linux.mountinfo import parse_mountinfo
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipycontainer.linux.mountinfo import MountInfo

# What docker's usual limits, `pause`, `stats` and the OOM flag need.
WANTED = ("memory", "cpu", "cpuacct", "pids", "freezer")
# Each of these would cost every container a folder and a join: only those that ask for their limits get them.
RARE = ("cpuset", "blkio")
# The file of a group's share of the disks: the kernel's own scheduler's, or BFQ's.
_WEIGHTS = ("blkio.weight", "blkio.bfq.weight")


_KNOWN = (*WANTED, *RARE)


class Hierarchy(Record):
    """One v1 tree, for one controller or for several mounted together."""

    controllers: tuple[str, ...]
    mount: str
    own: str  # the folder of the caller's own group
    writable: bool = False  # a child may be made there by the caller
    swap: bool = False  # memory: memory.memsw.* exists
    cpus: str = ""  # cpuset: what the caller's own group may use, which a child has to be told
    mems: str = ""
    weight: str = ""  # blkio: the file of _WEIGHTS that this kernel has
    above: tuple[str, ...] = ()  # folders down to `own` that may have to be made first (--cgroup-parent)
    realtime: bool = False  # cpu: the kernel schedules real time by groups (CONFIG_RT_GROUP_SCHED)


class Level(Record):
    """One folder of the unified tree, on the way from the caller's own group up to the mount."""

    path: str
    controllers: tuple[str, ...] = ()  # cgroup.controllers: what it may hand on
    enabled: tuple[str, ...] = ()  # cgroup.subtree_control: what it does hand on
    populated: bool = True  # processes sit in this very folder
    writable: bool = False  # children may be made and processes moved in by the caller
    top: bool = False  # the machine's real root, for which "no internal processes" does not count
    domain: bool = True  # false in a threaded subtree, which takes no memory controller
    above: tuple[str, ...] = ()  # as in a Hierarchy


class Layout(Record):
    """The host's control groups as the caller meets them.

    kind: "unified" (v2 alone), "v1", "hybrid" (v1 with a v2 tree beside it), "none".
    v1: the hierarchies that hold a controller of WANTED; rare: those that hold only one of RARE.
    v2: the levels from the caller's own group upwards; empty where there is no v2 tree.
    """

    kind: str
    v1: tuple[Hierarchy, ...] = ()
    v2: tuple[Level, ...] = ()
    v2_swap: bool = False
    root: bool = False  # the caller is root, or is root in a user namespace that was given its v1 groups
    rare: tuple[Hierarchy, ...] = ()

    def v1_of(self, controller: str) -> Hierarchy | None:
        """The v1 hierarchy that has `controller`."""
        for hierarchy in (*self.v1, *self.rare):
            if controller in hierarchy.controllers:
                return hierarchy
        return None

    def controllers(self) -> tuple[str, ...]:
        """All controllers that this host has for us, of either version."""
        found = [name for hierarchy in (*self.v1, *self.rare) for name in hierarchy.controllers]
        found += self.v2[0].controllers if self.v2 else ()
        return tuple(dict.fromkeys(found))


def parse_own(content: str) -> dict[tuple[str, ...], str]:
    """/proc/self/cgroup: controllers -> own path; the unified tree under ().

    >>> parse_own("5:cpu,cpuacct:/a:b\\n1:name=systemd:/\\n0::/u\\n")
    {('cpu', 'cpuacct'): '/a:b', ('name=systemd',): '/', (): '/u'}
    """
    found: dict[tuple[str, ...], str] = {}
    for line in content.split("\n"):
        number, colon, rest = line.partition(":")
        names, second_colon, path = rest.partition(":")
        if not (colon and second_colon and number.isascii() and number.isdigit() and path.startswith("/")):
            continue
        found[tuple(names.split(",")) if names else ()] = path
    return found


def own_folder(mount: MountInfo, path: str) -> str:
    """Where the group `path` appears under `mount`; "" where this mount does not show it.

    A container often sees its own group as the mount's root (root=/docker/ID, path=/docker/ID).
    Both may climb ("/..") when the reader's cgroup namespace begins further down.
    """
    parts, root = _parts(path), _parts(mount.root)
    if ".." in parts[len(root) :] or parts[: len(root)] != root:
        return ""
    return os.path.join(mount.target, *parts[len(root) :])


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def match(mountinfo: str, own: str) -> tuple[list[Hierarchy], str, str]:
    """The v1 hierarchies with a controller of WANTED or RARE, and the v2 mount point and own folder ("" if none)."""
    own_paths = parse_own(own)
    path_of = {name: path for names, path in own_paths.items() for name in names}
    v1: dict[tuple[str, ...], Hierarchy] = {}
    v2_mount = v2_own = ""
    for mount in parse_mountinfo("\n".join(line for line in mountinfo.split("\n") if " - cgroup" in line)):
        if mount.kind == "cgroup2":
            folder = own_folder(mount, own_paths[()]) if () in own_paths else ""
            if folder and not v2_own:
                v2_mount, v2_own = mount.target, folder
            continue
        wanted = tuple(name for name in mount.super_options if name in _KNOWN and name in path_of)
        if mount.kind != "cgroup" or not wanted or wanted in v1:
            continue
        folder = own_folder(mount, path_of[wanted[0]])
        if folder:
            v1[wanted] = Hierarchy(wanted, mount.target, folder)
    return list(v1.values()), v2_mount, v2_own


def read_layout(process: int | str = "self") -> Layout:
    """The layout as this process meets it, or would at the place of another `process`.

    Cheap (some thirty small reads), and it changes only when somebody moves the process to another group: a
    long-lived process may keep it.
    """
    v1, v2_mount, v2_own = match(text("/proc/self/mountinfo"), text(f"/proc/{process}/cgroup"))
    there = [_look_v1(hierarchy) for hierarchy in v1 if _is_group(hierarchy.own)]
    hierarchies = tuple(hierarchy for hierarchy in there if set(hierarchy.controllers) & set(WANTED))
    rare = tuple(hierarchy for hierarchy in there if hierarchy not in hierarchies)
    levels = tuple(_look_v2(folder) for folder in _upwards(v2_own, v2_mount)) if _is_group(v2_own) else ()
    kind = {(True, True): "hybrid", (True, False): "v1", (False, True): "unified", (False, False): "none"}
    root = os.geteuid() == 0 and (_whole_map() or any(hierarchy.writable for hierarchy in hierarchies))
    return Layout(kind[bool(hierarchies), bool(levels)], hierarchies, levels, _counts_swap(levels), root, rare)


def _counts_swap(levels: tuple[Level, ...]) -> bool:
    """The real root has no memory.* files; swap is counted in its children wherever the kernel knows swap."""
    counted = any(os.path.exists(f"{level.path}/memory.swap.max") for level in levels)
    return counted or (any(level.top for level in levels) and os.path.exists("/proc/swaps"))


def _whole_map() -> bool:
    """Whether this user namespace maps every id onto itself, as the machine's first one does."""
    return text("/proc/self/uid_map").split() in (["0", "0", "4294967295"], [])


def _is_group(folder: str) -> bool:
    """Mountinfo also lists what a later mount over the parent hides: only a folder with this file is a group."""
    return bool(folder) and os.path.exists(f"{folder}/cgroup.procs")


def _upwards(folder: str, mount: str) -> Iterable[str]:
    yield folder
    while folder != mount and len(folder) > len(mount):
        folder = os.path.dirname(folder)
        yield folder


def _look_v1(hierarchy: Hierarchy) -> Hierarchy:
    folder = hierarchy.own
    has = hierarchy.controllers
    return hierarchy.replace(
        writable=_may_write(folder),
        swap="memory" in has and os.path.exists(f"{folder}/memory.memsw.limit_in_bytes"),
        cpus=text(f"{folder}/cpuset.cpus").strip() if "cpuset" in has else "",
        mems=text(f"{folder}/cpuset.mems").strip() if "cpuset" in has else "",
        weight=_weight(folder) if "blkio" in has else "",
        realtime="cpu" in has and os.path.exists(f"{folder}/cpu.rt_period_us"),
    )


def _weight(folder: str) -> str:
    """Which of _WEIGHTS a group has here.  The real root has none, so a child is looked at too."""
    below = [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)][:1]
    found = [file for file in _WEIGHTS for group in (folder, *below) if os.path.exists(f"{group}/{file}")]
    return found[0] if found else ""


def _look_v2(folder: str) -> Level:
    kind = text(f"{folder}/cgroup.type").strip()
    return Level(
        folder,
        controllers=tuple(text(f"{folder}/cgroup.controllers").split()),
        enabled=tuple(text(f"{folder}/cgroup.subtree_control").split()),
        populated=bool(text(f"{folder}/cgroup.procs")),
        writable=all(_may_write(f"{folder}{file}") for file in ("", "/cgroup.procs", "/cgroup.subtree_control")),
        top=not kind,
        domain=kind in ("", "domain"),
    )


def _may_write(path: str) -> bool:
    return os.access(path, os.W_OK, effective_ids=True)
