"""What doctor says about user namespaces and ids: what an ordinary user's containers rest on."""

from __future__ import annotations

from ipycontainer.engine.doctor.finding import Finding, fine
from ipycontainer.errors import errno_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.engine.doctor.facts import Facts
    from ipycontainer.linux.machine import Machine

# AppArmor's profile of docker refuses mount(2) on its own.
UNCONFINED = "--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
NO_CONTAINERS = "An ordinary user can run no container here."


def findings(machine: Machine, facts: Facts) -> list[Finding]:
    """The user namespace, and which ids there are in it."""
    if machine.rung("user namespace") is None and machine.mode in ("range", "one"):
        return [_given(machine)]
    found = [_user_namespace(machine, facts)]
    if machine.mode != "none":  # else what ids there would be is not known
        found.append(_ids(machine, facts))
    return found


def _given(machine: Machine) -> Finding:
    """Root of a rootless container: the user namespace is there already, and its ids are what there is."""
    name = "ids"
    if machine.mode == "range":
        return fine(name, "This account is root of a user namespace with a range of ids, which containers share.")
    return Finding(
        name,
        False,
        "This account is root of a user namespace with one id.",
        "Programs that change to another user (apt, postgres) fail or have to be told not to.",
        "Start the outer namespace with a range of ids (`unshare --map-auto`, or subordinate ids for the container).",
    )


def _user_namespace(machine: Machine, facts: Facts) -> Finding:
    name = "user namespaces"
    rung = machine.rung("user namespace")
    mounted = machine.can("private mounts")
    if rung is not None and rung.ok and mounted:
        return fine(name, "User namespaces may be made, and mounts in them.")
    if facts.setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return Finding(
            name,
            False,
            "AppArmor keeps user namespaces of ordinary users from doing anything (Ubuntu 23.10 and later).",
            NO_CONTAINERS,
            "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` (and in /etc/sysctl.d to keep it), "
            "or an AppArmor profile with `userns,` for the Python that runs this.",
        )
    if facts.setting("kernel/unprivileged_userns_clone") == "0":
        mend = "`sudo sysctl kernel.unprivileged_userns_clone=1` (and in /etc/sysctl.d to keep it)."
        return Finding(name, False, "kernel.unprivileged_userns_clone is 0.", NO_CONTAINERS, mend)
    if facts.setting("user/max_user_namespaces") == "0":
        mend = "`sudo sysctl user.max_user_namespaces=10000` (and in /etc/sysctl.d to keep it)."
        return Finding(name, False, "user.max_user_namespaces is 0.", NO_CONTAINERS, mend)
    what = "mounting in one" if rung is not None and rung.ok else "making one"
    failed = next((step for step in reversed(machine.rungs) if not step.ok), None)
    why = f" ({errno_name(failed.errno)})" if failed is not None and failed.errno else ""
    if facts.filtered:
        return Finding(
            name,
            False,
            f"A seccomp filter stands in front of this process, and {what} is refused{why}.",
            NO_CONTAINERS,
            "Whoever runs this container or service has to let unshare and mount pass "
            f"(docker: {UNCONFINED}; Kubernetes: seccompProfile and appArmorProfile Unconfined).",
        )
    return Finding(
        name,
        False,
        f"User namespaces: {what} is refused{why}.",
        NO_CONTAINERS,
        "Look for a limit (sysctl user.max_user_namespaces), a security module (`aa-status`, `getenforce`), "
        "or a kernel without CONFIG_USER_NS; as root containers may work.",
    )


def _ids(machine: Machine, facts: Facts) -> Finding:
    if machine.can("ids of the range"):
        return fine("ids", "Containers have a range of user and group ids (newuidmap).")
    rung = machine.rung("id range")
    words = rung.words if rung is not None else "this was not tried"
    if facts.no_new_privs:
        mend = "Start without no_new_privs (a service: NoNewPrivileges=no; docker: without no-new-privileges)."
        words = "no_new_privs is set for this process, so newuidmap has no power"
    elif "not installed" in words:
        mend = "`sudo apt install uidmap` (Debian, Ubuntu); elsewhere newuidmap comes with shadow-utils."
    elif "has no line" in words:
        free = f"{facts.free_ids}-{facts.free_ids + 65535}"
        mend = f"`sudo usermod --add-subuids {free} --add-subgids {free} {facts.user}`."
    else:
        mend = "Compare /etc/subuid and /etc/subgid; newuidmap and newgidmap must be set-user-ID root."
    return Finding(
        "ids",
        False,
        f"Containers have one user id, their root, which is {facts.user} outside: {words}.",
        "Programs that change to another user (apt, postgres) fail or have to be told not to; "
        "files of other owners in an image are shown as root's.",
        mend,
    )
