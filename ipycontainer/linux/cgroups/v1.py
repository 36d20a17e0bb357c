"""v2's words on v1, where every controller has a tree of its own."""

from __future__ import annotations

from ipycontainer.linux.cgroups.cgroup_plan import OURS, CgroupPlan, no_weights, refuse
from ipycontainer.linux.cgroups.limits import THROTTLES, shares_of_weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.linux.cgroups.layout import Hierarchy, Layout
    from ipycontainer.linux.cgroups.limits import Limits

# v2's controllers that have another name here.
NAMES = {"io": "blkio"}

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
    fills: list[tuple[str, str]] = []
    asked = [NAMES.get(controller, controller) for controller in needed]
    for hierarchy in (*layout.v1, *(rare for rare in layout.rare if set(rare.controllers) & set(asked))):
        if not hierarchy.writable:
            lost = {name: option for name, option in needed.items() if NAMES.get(name, name) in hierarchy.controllers}
            if lost:
                raise refuse(lost, f"{hierarchy.own} cannot be written", "remount it writable or leave the option out")
            notes.append(f"{hierarchy.own} cannot be written: {', '.join(hierarchy.controllers)} is not counted.")
            continue
        leaves.append(leaf_of(hierarchy, name))
        folders += [*hierarchy.above, f"{hierarchy.own}/{OURS}", leaves[-1]]
        if "cpuset" in hierarchy.controllers:
            fills += [
                (f"{folder}/cpuset.{file}", value)
                for folder in folders[-2:]
                for file, value in (("cpus", hierarchy.cpus), ("mems", hierarchy.mems))
            ]
    writes, swap_note = _writes(layout, name, limits)
    # A process that writes 0 into `tasks` moves itself alone, and the kernel takes no global lock for that: 0.03 ms
    # where any write to cgroup.procs, or of another's pid, waits 5 to 14 ms for RCU on an idle machine.
    joins = tuple(f"{leaf}/tasks" for leaf in leaves)
    return CgroupPlan(
        tuple(folders), tuple(fills), (), (*writes, *_rare_writes(layout, name, limits)), joins, tuple(leaves),
        notes=(*notes, *swap_note),
    )  # fmt: skip


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
    if memory and limits.swappiness is not None:
        write(memory, "memory.swappiness", limits.swappiness)
    if memory and limits.oom_waits:
        write(memory, "memory.oom_control", 1)
    if cpu := layout.v1_of("cpu"):
        if limits.cpu_max is not None:
            quota, period = limits.cpu_max
            write(cpu, "cpu.cfs_period_us", period)
            write(cpu, "cpu.cfs_quota_us", quota if quota > 0 else -1)
        if limits.cpu_weight:
            write(cpu, "cpu.shares", shares_of_weight(limits.cpu_weight))
    if (pids := layout.v1_of("pids")) and limits.pids_max > 0:
        write(pids, "pids.max", limits.pids_max)
    return tuple(writes), tuple(notes)


def _realtime_writes(cpu: Hierarchy, leaf: str, limits: Limits) -> list[tuple[str, str]]:
    """The period first: a runtime may not be longer.  Raises Refused for a kernel without it."""
    if not cpu.realtime:
        raise refuse(
            {"cpu": limits.controllers()["cpu"]},
            "this kernel has no real-time scheduling of control groups (CONFIG_RT_GROUP_SCHED)",
            "leave the option out",
        )
    runtime, period = limits.cpu_realtime or (0, 0)
    found = (("cpu.rt_period_us", period), ("cpu.rt_runtime_us", runtime))
    return [(f"{leaf}/{file}", str(value)) for file, value in found if value]


def _rare_writes(layout: Layout, name: str, limits: Limits) -> tuple[tuple[str, str], ...]:
    """The same for what is asked for rarely: CPU sets and disks.  Raises Refused for a weight that no kernel counts."""
    writes: list[tuple[str, str]] = []
    if cpuset := layout.v1_of("cpuset"):
        leaf = leaf_of(cpuset, name)
        found = ((f"{leaf}/cpuset.cpus", limits.cpus), (f"{leaf}/cpuset.mems", limits.mems))
        writes += [(file, value) for file, value in found if value]
    if limits.cpu_realtime and (cpu := layout.v1_of("cpu")):
        writes += _realtime_writes(cpu, leaf_of(cpu, name), limits)
    if not (disks := layout.v1_of("blkio")):
        return tuple(writes)
    leaf = leaf_of(disks, name)
    if limits.io_weight or limits.io_device_weights:
        if not disks.weight:
            raise no_weights(limits.controllers()["io"])
        if limits.io_weight:
            writes.append((f"{leaf}/{disks.weight}", str(limits.io_weight)))
        writes += [(f"{leaf}/{disks.weight}_device", f"{device} {of}") for device, of in limits.io_device_weights]
    for throttle in limits.throttles:
        file = f"{leaf}/blkio.throttle.{THROTTLES[throttle.kind][1]}_device"
        writes.append((file, f"{throttle.device} {throttle.rate}"))
    return tuple(writes)
