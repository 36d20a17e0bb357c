"""The unified tree.

Its one hard rule: a group that hands controllers on to children has no
processes of its own ("no internal processes"; only the machine's real root is
exempt).  So a container's group cannot always hang below the caller's own: the
nearest level upwards is taken that may hand on what is needed, that the caller
may write, and in which nobody sits.  Nobody else's processes are ever moved.
"""

from __future__ import annotations

import os

from ipycontainer.linux.cgroups.cgroup_plan import OURS, CgroupPlan, refuse
from ipycontainer.linux.cgroups.files import text
from ipycontainer.linux.cgroups.layout import parse_own
from ipycontainer.linux.cgroups.limits import THROTTLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.linux.cgroups.layout import Layout, Level
    from ipycontainer.linux.cgroups.limits import Limits

WANTED = ("memory", "cpu", "pids")

DELEGATE = (
    "leave the option out, or start from a delegated scope of its own (`systemd-run --user --scope -p Delegate=yes`)"
)
MOVE = "leave the option out, or move them to a group below it (`ipycontainer doctor` says how)"


def plan_v2(layout: Layout, name: str, limits: Limits, needed: dict[str, str]) -> CgroupPlan:
    """The one group in the unified tree; `needed`: the controllers that limits ask for."""
    if limits.swappiness is not None or limits.oom_waits:
        raise refuse(
            {"memory": "--oom-kill-disable" if limits.oom_waits else "--memory-swappiness"},
            "control groups of version 2 have no such setting",
            "leave the option out",
        )
    if limits.cpu_realtime is not None and "cpu" in needed:
        raise refuse(
            {"cpu": needed["cpu"]},
            "control groups of version 2 have no such setting",
            "leave the option out",
        )
    # A controller that v1 holds is not in this tree: cgroup.controllers shows what is.
    wanted = tuple(controller for controller in WANTED if any(controller in level.controllers for level in layout.v2))
    for controllers in (wanted, tuple(needed), ()):
        if set(needed) <= set(controllers) and (level := _holder(layout, controllers)):
            return _at(level, name, limits, controllers, tuple(needed), layout.v2_swap)
    if needed:
        raise _why_not(layout, needed)
    return CgroupPlan(notes=("No control group can be made from here: usage is not counted.",))


def _holder(layout: Layout, controllers: tuple[str, ...]) -> Level | None:
    """The nearest level upwards below which a group with `controllers` can be made."""
    for level in layout.v2:
        takes = level.writable and level.domain and set(controllers) <= set(level.controllers)
        if takes and (level.top or not level.populated or not controllers):
            return level
    return None


def _why_not(layout: Layout, needed: dict[str, str]) -> Exception:
    """The sentence for limits that no level can keep: the most particular reason."""
    for controller, option in needed.items():
        if not any(controller in level.controllers for level in layout.v2):
            return refuse(
                {controller: option},
                f"this machine has no {controller} controller for us",
                f"add it to the kernel's command line (cgroup_enable={controller}), have it delegated, "
                "or leave the option out",
            )
    writable = [level for level in layout.v2 if level.writable]
    if not writable:
        return refuse(needed, f"no control group is delegated to this user from {layout.v2[0].path} upwards", DELEGATE)
    # What a group above may hand on (systemd gives users neither cpuset nor io) is not delegated by that.
    for controller, option in needed.items():
        if not any(controller in level.controllers for level in writable):
            return refuse(
                {controller: option},
                f"{writable[-1].path} is delegated to this user without the {controller} controller",
                "have it delegated too (systemd: Delegate=cpu cpuset io memory pids of user@.service), or leave the "
                "option out",
            )
    return refuse(needed, f"other processes sit in {writable[-1].path}, and such a group cannot hand limits on", MOVE)


def _at(
    level: Level, name: str, limits: Limits, controllers: tuple[str, ...], needed: tuple[str, ...], swap: bool
) -> CgroupPlan:
    ours = f"{level.path}/{OURS}"
    leaf = f"{ours}/{name}"
    # `needed` in one write each, the others one by one: a controller that cannot be enabled (cpu, while a
    # real-time process lives somewhere) then costs its statistics and not the container.
    enable: list[tuple[str, str]] = []
    wishes: list[tuple[str, str]] = []
    # Below --cgroup-parent every folder on the way hands them on, the one above the first included.
    way = [(folder, ()) for folder in (os.path.dirname(level.above[0]), *level.above[:-1])] if level.above else []
    for folder, enabled in (*way, (level.path, level.enabled), (ours, ())):
        if must := [controller for controller in needed if controller not in enabled]:
            enable.append((f"{folder}/cgroup.subtree_control", " ".join(f"+{controller}" for controller in must)))
        wishes += [
            (f"{folder}/cgroup.subtree_control", f"+{controller}")
            for controller in controllers
            if controller not in needed and controller not in enabled
        ]
    writes, notes = _writes(leaf, limits, needed, swap)
    if not controllers:
        notes += (f"{level.path} cannot hand controllers on: memory and processes are not counted.",)
    return CgroupPlan(
        (*level.above, ours, leaf), (), tuple(wishes), (*enable, *writes), (f"{leaf}/cgroup.procs",), (leaf,), leaf,
        notes,
    )  # fmt: skip


def lower_join(join: str, pid: int) -> str:
    """Where process `pid` of a container has gone from the group whose file `join` is: that group's file, or "".

    A container that may (--privileged) hands controllers on to groups of its own, as systemd and dockerd do, and then
    nobody may sit in the one that it was given: who comes later goes to its first process, as runc's exec does.
    """
    leaf = os.path.dirname(join)
    try:
        if os.stat(leaf).st_nlink <= 2:
            return ""  # there is none below
    except OSError:
        return ""  # it has ended: who joins says so
    path = parse_own(text(f"/proc/{pid}/cgroup")).get((), "")
    lower = path.partition(f"/{OURS}/{os.path.basename(leaf)}/")[2]
    return f"{leaf}/{lower}/cgroup.procs" if lower else ""


def _writes(
    leaf: str, limits: Limits, needed: tuple[str, ...], swap: bool
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The limits' files and values; limits whose controller lies in a v1 tree are not ours."""
    writes: list[tuple[str, str]] = []
    notes: tuple[str, ...] = ()
    if "memory" in needed and limits.memory_max > 0:
        writes.append((f"{leaf}/memory.max", str(limits.memory_max)))
        if limits.memory_swap_max is not None and limits.memory_swap_max >= 0:
            if swap:
                writes.append((f"{leaf}/memory.swap.max", str(limits.memory_swap_max)))
            else:
                notes = ("This kernel does not count swap: --memory limits memory alone.",)
    if "memory" in needed and limits.memory_low > 0:
        writes.append((f"{leaf}/memory.low", str(limits.memory_low)))
    if "cpu" in needed and limits.cpu_max is not None:
        quota, period = limits.cpu_max
        writes.append((f"{leaf}/cpu.max", f"{quota if quota > 0 else 'max'} {period}"))
    if "cpu" in needed and limits.cpu_weight:
        writes.append((f"{leaf}/cpu.weight", str(int(limits.cpu_weight))))
    if "pids" in needed:
        writes.append((f"{leaf}/pids.max", str(limits.pids_max)))
    if "cpuset" in needed:
        found = ((f"{leaf}/cpuset.cpus", limits.cpus), (f"{leaf}/cpuset.mems", limits.mems))
        writes += [(file, value) for file, value in found if value]
    return (*writes, *(_disk_writes(leaf, limits) if "io" in needed else ())), notes


def _disk_writes(leaf: str, limits: Limits) -> tuple[tuple[str, str], ...]:
    writes: list[tuple[str, str]] = []
    if limits.io_weight:
        writes.append((f"{leaf}/io.weight", f"default {_weight(limits.io_weight)}"))
    writes += [(f"{leaf}/io.weight", f"{device} {_weight(of)}") for device, of in limits.io_device_weights]
    devices = dict.fromkeys(throttle.device for throttle in limits.throttles)
    for device in devices:
        words = [f"{THROTTLES[item.kind][0]}={item.rate}" for item in limits.throttles if item.device == device]
        writes.append((f"{leaf}/io.max", " ".join((device, *words))))
    return tuple(writes)


def _weight(blkio: int) -> int:
    """docker's 10 to 1000 on v2's scale of 1 to 10000, linearly, as shares are."""
    return 1 + (blkio - 10) * 9999 // 990
