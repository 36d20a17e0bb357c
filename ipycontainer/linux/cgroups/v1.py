"""v2's words on v1, where every controller has a tree of its own."""

from __future__ import annotations

from ipycontainer.linux.cgroups.cgroup_plan import OURS, CgroupPlan, refuse
from ipycontainer.linux.cgroups.limits import shares_of_weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.linux.cgroups.layout import Hierarchy, Layout
    from ipycontainer.linux.cgroups.limits import Limits

# What v2 can say and v1 cannot, and what is done about it.
CANNOT = {
    "memory.high": "v1 has no limit that slows down before it kills",
    "memory.low": "v1's soft limit is a hint under pressure, which is what is written for it",
    "memory.swap.max": "v1 limits memory and swap together (memory.memsw.limit_in_bytes), where the kernel counts swap",
    "memory.oom.group": "v1 kills one process of a group; the container ends when it was its first",
    "cgroup.kill": "on v1 the group is frozen, its processes are killed one by one, and it is thawed",
    "cgroup.events": "v1 tells nobody when a group became empty; the monitor waits for the container's first process",
    "memory.pressure": "v1 measures no pressure (PSI) for a group",
    "delegation": "v1 has no safe delegation: whoever may write a limit may also lift it, and leave",
    "CLONE_INTO_CGROUP": "on v1 a process starts in its parent's groups and has to be moved",
}


def plan_v1(layout: Layout, name: str, limits: Limits, needed: dict[str, str]) -> CgroupPlan:
    """The groups under the caller's own in each v1 hierarchy; `needed`: the controllers that limits ask for."""
    if not layout.root:
        if needed:
            raise refuse(
                needed,
                "cgroup v1 has no safe delegation to ordinary users",
                "leave the option out, run as root, or boot with systemd.unified_cgroup_hierarchy=1",
            )
        return CgroupPlan(notes=("Control groups of version 1 are for root alone: usage is not counted.",))
    folders: list[str] = []
    leaves: list[str] = []
    notes: list[str] = []
    for hierarchy in layout.v1:
        if not hierarchy.writable:
            lost = {name: option for name, option in needed.items() if name in hierarchy.controllers}
            if lost:
                raise refuse(lost, f"{hierarchy.own} cannot be written", "remount it writable or leave the option out")
            notes.append(f"{hierarchy.own} cannot be written: {', '.join(hierarchy.controllers)} is not counted.")
            continue
        leaves.append(leaf_of(hierarchy, name))
        folders += [f"{hierarchy.own}/{OURS}", leaves[-1]]
    writes, swap_note = _writes(layout, name, limits)
    # A process that writes 0 into `tasks` moves itself alone, and the kernel takes no global lock for that: 0.03 ms
    # where any write to cgroup.procs, or of another's pid, waits 5 to 14 ms for RCU on an idle machine.
    joins = tuple(f"{leaf}/tasks" for leaf in leaves)
    return CgroupPlan(tuple(folders), (), writes, joins, tuple(leaves), notes=(*notes, *swap_note))


def leaf_of(hierarchy: Hierarchy, name: str) -> str:
    """The container's own folder in one hierarchy."""
    return f"{hierarchy.own}/{OURS}/{name}"


def _writes(layout: Layout, name: str, limits: Limits) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The limits' files and values; limits whose controller lies in a v2 tree are not ours."""
    writes: list[tuple[str, str]] = []
    notes: list[str] = []

    def write(hierarchy: Hierarchy, file: str, value: int) -> None:
        writes.append((f"{leaf_of(hierarchy, name)}/{file}", str(value)))

    if (memory := layout.v1_of("memory")) and limits.memory_max > 0:
        # In this order: memory and swap together may never be below memory alone.
        write(memory, "memory.limit_in_bytes", limits.memory_max)
        swap = limits.memory_swap_max
        if swap is not None and swap >= 0:
            if memory.swap:
                write(memory, "memory.memsw.limit_in_bytes", limits.memory_max + swap)
            else:
                notes.append("This kernel does not count swap (swapaccount=1 would): --memory limits memory alone.")
    if memory and limits.memory_low > 0:
        write(memory, "memory.soft_limit_in_bytes", limits.memory_low)
    if cpu := layout.v1_of("cpu"):
        if limits.cpu_max is not None:
            quota, period = limits.cpu_max
            write(cpu, "cpu.cfs_period_us", period)
            write(cpu, "cpu.cfs_quota_us", quota)
        if limits.cpu_weight:
            write(cpu, "cpu.shares", shares_of_weight(limits.cpu_weight))
    if (pids := layout.v1_of("pids")) and limits.pids_max > 0:
        write(pids, "pids.max", limits.pids_max)
    return tuple(writes), tuple(notes)
