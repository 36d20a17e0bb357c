"""From an OCI runtime spec, and what this host offers, to a plan.  A pure function: nothing is touched.

The order is the content.  Each list says at its head why it is ordered as it is; what a single step is for
stands with the step (`inside/steps/`).
"""

from __future__ import annotations

from ipycontainer.errors import DocumentError, Refused
from ipycontainer.linux import cgroups
from ipycontainer.linux.namespaces import FLAGS
from ipycontainer.runtime import device_plan, mount_plan
from ipycontainer.runtime.inside.step import Plan, Step
from ipycontainer.runtime.inside.steps import (
    beside,
    confine,
    devices,
    entering,
    identity,
    namespaces,
    outside,
    root,
    seccomp,
)
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.usual import SYSCTLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
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
        tuple(last_steps(launch, host)),
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
    steps = early_steps(launch, host, kinds, group)
    if group.writes:
        steps.append(namespaces.LimitCgroup(group.writes))
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
    return steps


def last_steps(launch: Launch, host: Host) -> list[Step]:
    """After the barrier.  The order is fixed by what each step takes away from those after it."""
    steps: list[Step] = [namespaces.ReachBarrier()] if launch.hold else []
    if launch.terminal:
        steps.append(devices.OpenTerminal(launch.rows, launch.columns))
    return [*steps, *_program(launch, host)]


def _program(launch: Launch, host: Host, made: bool = True) -> list[Step]:
    """Who the program is, what it may not, and the program: for PID 1 (made: its folder may be) and for an exec."""
    process = launch.spec["process"]
    user = process.get("user", {})
    bounding = tuple(process.get("capabilities", {}).get("bounding", ()))
    effective = tuple(process.get("capabilities", {}).get("effective", ()))
    limits = tuple((item["type"], int(item["soft"]), int(item["hard"])) for item in process.get("rlimits", ()))
    if host.descriptors and all(name != "RLIMIT_NOFILE" for name, *_ in limits):
        limits = (*limits, ("RLIMIT_NOFILE", host.descriptors, host.descriptors))
    extra = tuple(str(item) for item in user.get("additionalGids", ()))
    steps: list[Step] = [
        identity.FindUser(launch.user, extra, tuple(process.get("env", ())), made),
        identity.EnterFolder(process.get("cwd", "/"), made),
        confine.SetUmask(user.get("umask", 0o022)),
    ]
    if limits:
        steps.append(confine.SetResourceLimits(limits))
    score = int(process.get("oomScoreAdj") or 0)
    if score or host.protected:
        steps.append(confine.SetOomScore(score))
    filters = _filters(launch)
    no_new_privileges = bool(process.get("noNewPrivileges"))
    if not no_new_privileges:
        steps += filters
    profile, label = process.get("apparmorProfile", host.apparmor), process.get("selinuxLabel", "")
    if profile == "unconfined":
        profile = ""
    if profile or label:
        steps.append(confine.SetLabels(profile, label))
    steps += [
        confine.LimitBounding(bounding, host.last_capability),
        identity.ChangeIds(may_set_groups=host.mode != "one"),
        confine.SetCapabilities(effective),
    ]
    if no_new_privileges:
        steps.append(confine.NoNewPrivileges())
    steps += [confine.DieWithMonitor(), confine.CloseDescriptors()]
    if no_new_privileges:
        steps += filters
    if launch.init:
        steps.append(confine.StartInit())
    return [*steps, confine.Execute(tuple(process["args"]))]


def _filters(launch: Launch) -> list[Step]:
    """No `linux.seccomp` in the spec: no filter."""
    filtered = launch.spec.get("linux", {}).get("seccomp")
    return [seccomp.InstallFilter(filtered["program"], tuple(filtered.get("options", ())))] if filtered else []


def plan_exec(launch: Launch, host: Host, kinds: tuple[str, ...], joins: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps of one more program in a running container: join instead of make, then the same end."""
    program = _program(launch, host, made=False)
    steps: list[Step] = [entering.JoinContainer(kinds, joins)]
    if host.rootless:
        steps.append(namespaces.BecomeRoot(host.mode == "range"))
    steps.append(namespaces.JoinKeyring())
    # Before anybody in there meets the process, which has all of root's power until then.
    steps += [step for step in program if isinstance(step, confine.LimitBounding)]
    bounding = tuple(launch.spec["process"].get("capabilities", {}).get("bounding", ()))
    steps.append(entering.ForkInside((*bounding, *_needed(program)), traced="CAP_SYS_PTRACE" in bounding))
    if launch.terminal:
        steps.append(devices.OpenTerminal(launch.rows, launch.columns, console=False))
    return (*steps, *(step for step in program if not isinstance(step, confine.LimitBounding)))


def _needed(program: Sequence[Step]) -> tuple[str, ...]:
    """The capabilities that these steps take, whatever the program is left with."""
    needed = ["CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_OVERRIDE"]
    if any(isinstance(step, confine.SetResourceLimits | confine.SetOomScore) for step in program):
        needed.append("CAP_SYS_RESOURCE")
    # A filter takes either no_new_privs or this.
    if any(isinstance(step, seccomp.InstallFilter) for step in program) and not any(
        isinstance(step, confine.NoNewPrivileges) for step in program
    ):
        needed.append("CAP_SYS_ADMIN")
    return tuple(needed)


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
