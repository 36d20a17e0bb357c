"""From an OCI runtime spec, and what this host offers, to a plan.  A pure function: nothing is touched.

The order is the content.  Each list says at its head why it is ordered as it is; what a single step is for
stands with the step (`inside/steps/`).
"""

from __future__ import annotations

from ipycontainer.errors import DocumentError, Refused
from ipycontainer.linux import cgroups
from ipycontainer.linux.namespaces import FLAGS
from ipycontainer.runtime import device_plan, mount_plan, program_plan
from ipycontainer.runtime.inside.step import Plan, Step
from ipycontainer.runtime.inside.steps import beside, devices, entering, namespaces, outside, root
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.usual import SYSCTLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PING = "net.ipv4.ping_group_range"


def plan(launch: Launch, host: Host, group_name: str = "") -> Plan:
    """The plan of one start.  Raises Refused for a limit that this host cannot keep, DocumentError for a bad spec.

    group_name: what its cgroup is called, if it is not the container's id.
    """
    if not launch.spec.get("process"):
        raise DocumentError("the runtime spec has no process: there would be nothing to start")
    kinds = namespace_kinds(launch.spec, host.rootless)
    resources = launch.spec.get("linux", {}).get("resources", {})
    name = group_name or launch.id
    limits = cgroups.limits_from_oci(resources)
    host = host.replace(layout=cgroups.below(host.layout, cgroup_parent(launch.spec), limits))
    group = cgroups.plan_cgroup(host.layout, name, limits)
    group = device_plan.with_devices(group, host, launch, name)
    if "pid" not in kinds and not group.leaves:
        raise Refused(
            "--pid cannot be shared here: without a control group nobody finds what the container leaves running "
            "when its first process ends; leave the option out"
        )
    return Plan(
        tuple(outside_steps(launch, host, kinds, group)),
        tuple(_inside(launch, host, kinds, group, name)),
        tuple(program_plan.last_steps(launch, host)),
    )


def cgroup_parent(spec: dict[str, Any]) -> str:
    """Where its cgroup hangs, if it says so (`linux.cgroupsPath`, which ends with the container's own name)."""
    return str(spec.get("linux", {}).get("cgroupsPath", "")).rpartition("/")[0]


def namespace_kinds(spec: dict[str, Any], rootless: bool) -> tuple[str, ...]:
    """The OCI names of the namespaces that are made; user first, where an ordinary user's container needs one."""
    asked = [item["type"] for item in spec.get("linux", {}).get("namespaces", []) if not item.get("path")]
    unknown = [kind for kind in asked if kind not in FLAGS]
    if unknown:
        raise DocumentError(f"linux.namespaces: no namespace of type {unknown[0]!r}; namespaces(7) lists them")
    joined = any(item.get("path") for item in spec.get("linux", {}).get("namespaces", []))
    if rootless and "user" not in asked and not joined:
        asked.append("user")
    return tuple(kind for kind in FLAGS if kind in asked)


def entered_kinds(launch: Launch, rootless: bool) -> tuple[str, ...]:
    """The OCI names of all that an exec joins: what was made, and what is shared with another container."""
    made = namespace_kinds(launch.spec, rootless)
    joined = [*(kind for kind, _ in (*launch.others, *launch.kept)), *(["user"] if rootless else [])]
    return tuple(kind for kind in FLAGS if kind in made or kind in joined)


def makes(steps: Plan, kind: str) -> bool:
    """Whether the container has a namespace of that OCI name of its own."""
    return any(isinstance(step, outside.Clone) and kind in step.kinds for step in steps.outside)


def outside_steps(launch: Launch, host: Host, kinds: tuple[str, ...], group: cgroups.CgroupPlan) -> list[Step]:
    """Named things first, so that sweep knows them; then the child; then what can only be done beside it."""
    steps: list[Step] = []
    if group.leaves:
        # Not its limits, so that the step is the same for whatever container comes.
        steps.append(outside.MakeCgroup(group.replace(writes=(), notes=())))
    if host.devices == cgroups.devices.PROGRAMS and group.clone_into:
        steps.append(devices.LimitDevices(group.clone_into, device_plan.rules(launch) or cgroups.devices.USUAL))
    # The cgroup namespace is unshared by the child itself, once it sits in its cgroup.
    made = tuple(kind for kind in kinds if kind != "cgroup")
    if launch.others:
        steps.append(beside.CloneBeside(made, group.clone_into, _others(launch), host.rootless))
        return steps
    if launch.kept:
        steps.append(beside.CloneAgain(made, group.clone_into, launch.kept))
        return steps
    steps.append(outside.Clone(made, group.clone_into))
    if host.rootless:
        steps.append(outside.WriteIdMaps(host.uid_map, host.gid_map))
        steps.append(namespaces.TellChild("mapped"))
    return steps


def _others(launch: Launch) -> tuple[tuple[str, str], ...]:
    return tuple((kind, run) for kind, run in launch.others)


def early_steps(launch: Launch, host: Host, kinds: tuple[str, ...], group: cgroups.CgroupPlan) -> list[Step]:
    """The first steps inside, which depend on this machine alone: a slot has walked them."""
    steps: list[Step] = []
    if host.rootless:
        if not (launch.others or launch.kept):  # their user namespace has its maps
            steps.append(namespaces.AwaitMonitor("mapped"))
        steps.append(namespaces.BecomeRoot(host.mode == "range"))
    steps.append(namespaces.JoinKeyring())
    if device_plan.shares_group(launch, host):
        steps.append(devices.JoinDevices(host.devices))
    if group.joins and not group.clone_into:
        steps.append(namespaces.JoinCgroup(group.joins))
    if "network" in kinds:
        steps.append(namespaces.RaiseLoopback())
    return steps


def _inside(launch: Launch, host: Host, kinds: tuple[str, ...], group: cgroups.CgroupPlan, name: str) -> list[Step]:
    """What depends on this machine alone comes first (a slot can have walked it), then what is this container's.

    Everything is mounted before the pivot, while the host's /proc and /dev/null are still the host's.
    """
    spec = launch.spec
    # Those that it had before a restart are its own too.
    owned = (*kinds, *(kind for kind, _ in launch.kept))
    meets = program_plan.shares_processes(launch)
    steps = early_steps(launch, host, kinds, group)
    steps += _limits(group, meets)
    if "cgroup" in kinds:
        steps.append(namespaces.UnshareCgroup())
    slave = any(map(mount_plan.is_slave, spec.get("mounts", ())))
    steps.append(root.DetachMounts(slave))
    steps.append(root.MakeWritableLayer(launch.upper, launch.work))
    # Where a list of devices keeps the host's disks away, nodes may open drivers, as docker's do; else none may.
    kept = device_plan.kept(group, host)
    overlay = root.MountOverlay(
        tuple(launch.lowers), launch.upper, launch.work, launch.staging, rootless=host.rootless, devices=kept
    )
    steps.append(overlay)
    if launch.etc:
        steps.append(root.MakeEtcFiles(launch.etc_folder, tuple(launch.etc)))
    for entry in spec.get("mounts", []):
        if entry.get("type") in ("cgroup", "cgroup2"):
            steps += mount_plan.cgroup_steps(entry, name, host, group)
            continue
        if entry.get("type") == "proc" and meets:
            steps.append(beside.ShowProcesses(entry["destination"], mount_plan.attributes(entry)))
            continue
        if entry.get("type") == "container":
            steps.append(beside.ShowOthers(entry["source"], entry["destination"], "ro" in entry.get("options", ())))
            continue
        steps += mount_plan.fill_steps(launch, entry)
        step = mount_plan.mount_step(entry, host, owned, kept)
        alone = slave and isinstance(step, root.Bind) and not step.propagation
        steps.append(step.replace(propagation="private") if alone else step)
        if entry["destination"] == "/dev" and entry.get("type") == "tmpfs":
            steps.append(devices.MakeDevices(bound=not kept))
    steps += device_plan.nodes(launch, kept)
    linux = spec.get("linux", {})
    if sysctls := _sysctls(linux, host):
        steps.append(namespaces.SetSysctls(sysctls))
    steps.append(root.MaskPaths(tuple(linux.get("maskedPaths", ()))))
    steps.append(root.ReadOnlyPaths(tuple(linux.get("readonlyPaths", ()))))
    if spec.get("root", {}).get("readonly"):
        steps.append(root.RootReadOnly())
    steps.append(root.PivotRoot())
    # Last what is this container's own, so that all before can have been walked for whichever comes.
    if launch.etc:
        steps.append(root.WriteEtcFiles(tuple(launch.etc)))
    if spec.get("hostname") and "uts" in kinds:
        steps.append(namespaces.SetHostname(spec["hostname"]))
    if spec.get("domainname") and "uts" in kinds:
        steps.append(namespaces.SetDomainname(spec["domainname"]))
    return steps + (program_plan.meeting_steps(launch, host) if meets else [])


def _limits(group: cgroups.CgroupPlan, meets: bool) -> list[Step]:
    """meets: a process before PID 1 is in the group for a while, beside which a limit of one had no room for that."""
    later = [item for item in group.writes if meets and item[0].endswith("/pids.max")]
    now = tuple(item for item in group.writes if item not in later)
    steps: list[Step] = [namespaces.LimitCgroup(now)] if now else []
    return steps + [entering.HoldLimit(*item) for item in later]


def _sysctls(linux: dict[str, Any], host: Host) -> tuple[tuple[str, str], ...]:
    """As paths below /proc/sys.  docker leaves its range of ping groups out where groups are mapped."""
    found = linux.get("sysctl") or {}
    usual = host.rootless and found.get(PING) == SYSCTLS[PING]
    return tuple((name.replace(".", "/"), value) for name, value in found.items() if not (usual and name == PING))


def exec_joins(steps: Plan) -> tuple[str, ...]:
    """What a later exec writes itself into."""
    found: tuple[str, ...] = ()
    for step in steps.outside:
        if isinstance(step, outside.MakeCgroup):
            found += step.plan.joins
    groups = shared_devices(steps)
    return (*found, cgroups.devices.shared_tasks(groups)) if groups else found


def shared_devices(steps: Plan) -> str:
    """Where the group is that the container shares with all that have the usual devices; "" if it does not."""
    return next((step.groups for step in steps.inside if isinstance(step, devices.JoinDevices)), "")
