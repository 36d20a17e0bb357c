"""All findings, as a pure function of what was found out, so that every sentence can be tested without owning
such a machine.
"""

from __future__ import annotations

from ipycontainer.engine.doctor import limits, user
from ipycontainer.engine.doctor.finding import Finding, fine
from ipycontainer.errors import errno_name
from ipycontainer.launcher.folders import NETWORK_KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipycontainer.engine.doctor.facts import Facts
    from ipycontainer.linux.cgroups import Layout
    from ipycontainer.linux.machine import Machine

# Rungs of the trial that stand for one call or file system each: what it costs when they are missing.
KERNEL = {
    "openat2": "no path in an image can be followed safely, so nothing is started",
    "close_range": "descriptors of ours could leak into a container, so none is started",
    "clone3": "a container's first process cannot be made, so nothing is started",
    "pidfd": "processes could only be known by numbers that are used again, so nothing is started",
    "mount attributes": "read-only mounts (`-v …:ro`, masked paths) cannot be made safely, so nothing is started",
    "detached mounts": "mounts cannot be put over a descriptor, which keeps a swapped path from being hit",
    "seccomp": "system calls cannot be filtered: a container meets the whole kernel",
    "mqueue": "containers have no POSIX message queues",
    "devpts": "containers have no terminals of their own: `-t` does not work",
}

TITLES = {
    "close_range": "close_range(2)",
    "openat2": "openat2(2)",
    "clone3": "clone3(2)",
    "pidfd": "pidfd_open(2)",
    "mount attributes": "mount_setattr(2)",
    "detached mounts": "Mounting by descriptor (fsopen, move_mount)",
    "mqueue": "The mqueue file system",
    "devpts": "A devpts of its own",
}


def findings(machine: Machine, layout: Layout, facts: Facts) -> list[Finding]:
    """Everything worth a line, the decisive ones first."""
    found = [_containers(machine, facts)]
    if machine.mode != "root":
        found += user.findings(machine, facts)
    found += _store(machine, facts)
    found += _kernel(machine)
    if machine.mode != "none":
        found += limits.findings(layout, facts)
        found += _session(facts, machine.mode)
    return found


def _containers(machine: Machine, facts: Facts) -> Finding:
    modes = {
        "root": "as root, with all of the machine's means",
        "range": "as an ordinary user, in a user namespace with subordinate ids",
        "one": "as an ordinary user, in a user namespace with one id",
    }
    if machine.mode in modes:
        return fine("containers", f"Containers run here {modes[machine.mode]}.")
    lacks = machine.lacks()
    fallen = next((rung for name in lacks if (rung := machine.rung(name)) is not None), None)
    if fallen is None:
        fallen = next((rung for rung in reversed(machine.rungs) if not rung.ok), None)
    why = "Nothing worked"
    if fallen is not None:
        why = f"The trial ended at '{fallen.name}'" + (f" ({errno_name(fallen.errno)})" if fallen.errno else "")
    cost, mend = "No container can run here.", "See the findings below; each says what would mend it."
    if not machine.can("private mounts"):
        if facts.uid == 0:
            cost += " This account is called root, but what makes root root was taken from it."
        if facts.in_container:
            mend = (
                "This is itself a container: whoever runs it has to allow user namespaces and mounts in it "
                f"(docker: {user.UNCONFINED} --security-opt systempaths=unconfined; "
                "Kubernetes: seccompProfile and appArmorProfile Unconfined, procMount Unmasked, hostUsers false)."
            )
    return Finding("containers", False, f"{why}; missing: {', '.join(lacks)}.", cost, mend)


def _store(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Nothing where the trial did not come so far: its file system may be a good one."""
    place = f"{facts.store} ({facts.store_kind or 'unknown file system'})"
    if facts.store_kind in NETWORK_KINDS:
        yield Finding(
            "store",
            False,
            f"The state folder {place} lies on a network file system.",
            "Neither locks nor overlays hold there; it is refused.",
            "Set IPYCONTAINER_ROOT to a folder on a local disk.",
        )
    elif machine.rung("overlay on the store") is None:
        return
    elif not machine.can("overlay on the store"):
        elsewhere = machine.can("overlay")
        yield Finding(
            "store",
            False,
            f"The state folder {place} cannot carry the writable layer of an overlay.",
            "No container can be given a root of its own.",
            "Set IPYCONTAINER_ROOT to a folder on ext4, xfs or btrfs (a volume, if this is a container)."
            if elsewhere or facts.store_kind == "overlay"
            else "The kernel has no overlay for this user: `sudo modprobe overlay`, or Linux 5.11 and later for users.",
        )
    elif not machine.can("opaque folders"):
        yield Finding(
            "store",
            False,
            f"The state folder {place} keeps no attributes that overlay needs.",
            "Images in which a layer replaces a whole folder cannot be loaded; others work.",
            "Set IPYCONTAINER_ROOT to a folder on ext4, xfs or btrfs.",
        )
    elif not machine.can("whiteouts"):
        yield Finding(
            "store",
            False,
            f"The state folder {place} takes no whiteouts.",
            "Files that an image's layer deletes are marked by attributes instead, a little slower.",
            "Set IPYCONTAINER_ROOT to a folder on ext4, xfs or btrfs.",
        )
    else:
        yield fine("store", f"The state folder {place} carries overlays.")


def _kernel(machine: Machine) -> Iterator[Finding]:
    """Only rungs that were reached say something: what comes after a fall is not known."""
    fallen = [rung for rung in machine.rungs if rung.name in KERNEL and not rung.ok]
    if not fallen and machine.mode != "none":
        yield fine("kernel", "The kernel has all the calls and file systems that containers use.")
    for rung in fallen:
        yield Finding(
            rung.name,
            False,
            f"{TITLES.get(rung.name, rung.name)} does not work here ({errno_name(rung.errno)}).",
            f"Without it {KERNEL[rung.name]}.",
            "It needs Linux 5.12 or later, and no filter in front of it.",
        )
    for rung in machine.rungs:
        if rung.ok:
            continue
        if rung.name == "proc":
            yield Finding(
                "proc",
                False,
                "A fresh /proc cannot be mounted, because parts of the one here are masked.",
                "Containers see this machine's process numbers in /proc, and tools like ps show wrong ones.",
                "Run where /proc is whole (docker: --security-opt systempaths=unconfined; "
                "Kubernetes: procMount Unmasked).",
            )
        elif rung.name == "network namespace":
            yield Finding(
                "network",
                False,
                f"A network of its own cannot be made ({errno_name(rung.errno)}).",
                "Only `--network host` works: containers share this machine's network.",
                "Allow network namespaces (sysctl user.max_net_namespaces).",
            )


def _session(facts: Facts, mode: str) -> Iterator[Finding]:
    if facts.systemd and not facts.scope and facts.unit.endswith(".service"):
        yield Finding(
            "survival",
            False,
            f"This program is part of {facts.unit}, and systemd ends a service with all its processes.",
            "Containers end when that service is stopped or restarted.",
            f"`sudo loginctl enable-linger {facts.user}` gives this account a manager that keeps them apart."
            if facts.uid
            else "Start the first container from a terminal of its own, or set KillMode=process in the service.",
        )
    elif facts.systemd and facts.uid != 0 and not facts.lingers:
        yield Finding(
            "survival",
            False,
            "Processes of this account end with its last session (no lingering).",
            "Containers that run in the background end when you log out.",
            f"`sudo loginctl enable-linger {facts.user}`, once.",
        )
    elif facts.scope:
        yield fine("survival", "Containers outlive the notebook, its kernel and its service: they are in a unit apart.")
    else:
        yield fine("survival", "Containers outlive the notebook, its kernel and the command line.")
    if mode == "root" and not facts.sys_resource:
        yield Finding(
            "ulimits",
            False,
            "This root may not raise limits (CAP_SYS_RESOURCE is missing).",
            "`--ulimit` above this process's own hard limits is refused.",
            "Give this account CAP_SYS_RESOURCE, or ask for limits below the hard ones (`ulimit -Ha`).",
        )
