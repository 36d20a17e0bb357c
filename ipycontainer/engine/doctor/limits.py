"""What doctor says about control groups: which limits can be kept here, and for whom."""

from __future__ import annotations

from ipycontainer.engine.doctor.finding import Finding, fine
from ipycontainer.errors import Refused
from ipycontainer.linux.cgroups import Layout, Limits, plan_cgroup
from ipycontainer.linux.cgroups.limits import limits_from_docker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipycontainer.engine.doctor.facts import Facts

KINDS = {
    "unified": "version 2",
    "v1": "version 1",
    "hybrid": "version 1 with a version 2 tree beside it",
    "none": "none at all",
}
# What is asked of a plan -> what a container does without it.
PROBES: dict[str, tuple[Limits, str]] = {
    "memory": (
        limits_from_docker(memory=64 << 20),
        "a container may take all memory, and what the kernel kills then may be something else",
    ),
    "cpu": (limits_from_docker(cpus=0.5, cpu_shares=512), "a busy container slows everything else down"),
    "pids": (limits_from_docker(pids_limit=64), "a fork bomb in a container takes the account's processes with it"),
}
OPTIONS = {"memory": "-m", "cpu": "--cpus and --cpu-shares", "pids": "--pids-limit"}


def findings(layout: Layout, facts: Facts) -> Iterator[Finding]:
    """One line for all limits when they hold, else one for each that does not."""
    refused = {name: sentence for name in PROBES if (sentence := _refusal(layout, name))}
    kind = f"Control groups: {KINDS[layout.kind]}"
    if not refused:
        yield fine("limits", f"{kind}; memory, cpu and process limits hold.")
    elif len(refused) == len(PROBES):
        yield _none(layout, facts, kind, next(iter(refused.values())))
    else:
        for name, sentence in refused.items():
            yield Finding(
                f"{name} limit",
                False,
                f"{kind}. {sentence[0].upper()}{sentence[1:]}.",
                f"{OPTIONS[name]} is refused; {PROBES[name][1]}.",
                _mend_one(facts, name),
            )
    plan_notes = [] if "memory" in refused else plan_cgroup(layout, "doctor", PROBES["memory"][0]).notes
    for note in plan_notes:
        if "swap" in note:
            yield Finding(
                "swap limit",
                False,
                "The kernel does not count swap for control groups.",
                "-m limits memory alone: a container over its limit goes on in swap.",
                "Add swapaccount=1 to the kernel's command line, or do without swap.",
            )


def _mend_one(facts: Facts, name: str) -> str:
    if facts.scope and facts.uid:
        # What a manager may delegate is what it was given itself: systemd.resource-control(5).
        return (
            f"`sudo systemctl edit user@.service`, with Delegate=cpu cpuset io memory pids under [Service], "
            f"gives {name} to users from the next start of their manager on."
        )
    return f"Add cgroup_enable={name} to the kernel's command line, or have the controller delegated."


def _refusal(layout: Layout, name: str) -> str:
    """Why this limit would be refused, "" if it would be kept."""
    try:
        plan_cgroup(layout, "doctor", PROBES[name][0])
    except Refused as refused:
        return str(refused).partition(" cannot be kept here: ")[2].partition(";")[0]
    return ""


def _crowded(layout: Layout) -> str:
    """The outermost group that is this account's, if all that is in the way of handing its limits on are processes."""
    ours = [level for level in layout.v2 if level.writable and level.domain]
    whole = ours and set(PROBES) <= set(ours[-1].controllers)
    return ours[-1].path if whole and ours[-1].populated and not ours[-1].top else ""


def _none(layout: Layout, facts: Facts, kind: str, sentence: str) -> Finding:
    costs = "-m, --cpus, --cpu-shares and --pids-limit are refused; containers run without limits."
    if layout.v1 and facts.uid != 0:
        mend = "Boot with systemd.unified_cgroup_hierarchy=1 (version 2 can be delegated to users), or run as root."
    elif crowded := _crowded(layout):
        # What docker's own docker does (moby's hack/dind); a launcher looks at its groups once.
        mend = (
            f"Move them to a group below it, best where this container or service begins: `mkdir -p {crowded}/init && "
            f"xargs -n1 <{crowded}/cgroup.procs >{crowded}/init/cgroup.procs; ipycontainer system shutdown`."
        )
    elif facts.in_container:
        mend = "Whoever runs this container has to mount its control groups writable, with a group of its own."
    elif facts.systemd and facts.uid != 0:
        lingering = f"`sudo loginctl enable-linger {facts.user}` gives this account a manager that delegates; or start"
        begin = "Start" if facts.lingers else lingering
        mend = f"{begin} from a delegated scope: `systemd-run --user --scope -p Delegate=yes jupyter lab`."
    else:
        mend = "Mount cgroup2 at /sys/fs/cgroup, writable for this account."
    return Finding("limits", False, f"{kind}. {sentence[0].upper()}{sentence[1:]}.", costs, mend)
