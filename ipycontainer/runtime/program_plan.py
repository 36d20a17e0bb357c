"""The end of every plan: from a process that is where it belongs to the program, for PID 1 and for an exec.

And the way there of a process that comes to others: they see whoever is in their pid namespace, so it comes late.
"""

from __future__ import annotations

from ipycontainer.runtime.inside.step import Step
from ipycontainer.runtime.inside.steps import beside, confine, devices, entering, identity, namespaces, seccomp
from ipycontainer.runtime.launch import Host, Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def last_steps(launch: Launch, host: Host) -> list[Step]:
    """After the barrier.  The order is fixed by what each step takes away from those after it."""
    steps: list[Step] = [namespaces.ReachBarrier()] if launch.hold else []
    program = _program(launch, host)
    if shares_processes(launch):
        program = _but_bounding(program)  # its terminal is open by now too
    elif launch.terminal:
        steps.append(devices.OpenTerminal(launch.rows, launch.columns))
    if launch.terminal:
        steps.append(devices.TakeTerminal())
    return [*steps, *program]


def shares_processes(launch: Launch) -> bool:
    """Whether the container's processes are in another container's pid namespace."""
    return any(kind == "pid" for kind, _ in launch.others)


def meeting_steps(launch: Launch, host: Host) -> list[Step]:
    """The end of `inside` for a container that shares another's processes: all is made before they see anybody."""
    terminal = [devices.OpenTerminal(launch.rows, launch.columns)] if launch.terminal else []
    return [*terminal, beside.JoinProcesses(), *_meeting(launch, _program(launch, host))]


def plan_exec(launch: Launch, host: Host, kinds: tuple[str, ...], joins: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps of one more program in a running container: join instead of make, then the same end."""
    program = _program(launch, host, made=False)
    steps: list[Step] = [entering.JoinContainer(kinds, joins)]
    if host.rootless:
        steps.append(namespaces.BecomeRoot(host.mode == "range"))
    steps.append(namespaces.JoinKeyring())
    steps += _meeting(launch, program)
    if launch.terminal:
        steps += [devices.OpenTerminal(launch.rows, launch.columns, console=False), devices.TakeTerminal()]
    return (*steps, *_but_bounding(program))


def _meeting(launch: Launch, program: Sequence[Step]) -> list[Step]:
    """The last before anybody in there meets the process, which has all of root's power until then."""
    bounding = tuple(launch.spec["process"].get("capabilities", {}).get("bounding", ()))
    fork = entering.ForkInside((*bounding, *_needed(program)), traced="CAP_SYS_PTRACE" in bounding)
    return [*(step for step in program if isinstance(step, confine.LimitBounding)), fork]


def _but_bounding(program: Sequence[Step]) -> list[Step]:
    return [step for step in program if not isinstance(step, confine.LimitBounding)]


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
