"""What a container has together with others: the host's namespaces (`host`), or another container's (`container:NAME`).

Read only when that is asked for.  Words of refusals are docker's where a script may look for them.
"""

from __future__ import annotations

import os

from ipycontainer.errors import InputError, NoSuchContainer, OptionError, Refused, WrongState
from ipycontainer.network import etc_files, modes
from ipycontainer.runtime.usual import base_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine
    from ipycontainer.engine.request import RunRequest
    from ipycontainer.runtime.launch import Launch

HOST, NONE, PRIVATE, SHAREABLE = "host", "none", "private", "shareable"
_CONTAINER = modes.CONTAINER

_ALONE = (
    "an ordinary user's container lives in a user namespace, which the host's own {} is not in; leave the option out"
)


def settled(engine: Engine, request: RunRequest) -> RunRequest:
    """The request with ids for names of containers, checked.  Raises InputError, Refused, NoSuchContainer."""
    _check_words(request)
    _check_conflicts(request)
    network = request.network
    if network.startswith(_CONTAINER):
        try:
            network = _with_id(engine, network)
        except NoSuchContainer:
            pass  # docker's way: it may be made before this one is started
    pid, ipc = (_with_id(engine, mode) for mode in (request.pid_mode, request.ipc_mode))
    request = request.replace(network=network, pid_mode=pid, ipc_mode=ipc)
    if engine.launcher.mode != "root":
        _check_ordinary_user(request)
    _check_group(engine, request)
    return request


def _check_words(request: RunRequest) -> None:
    if request.network == _CONTAINER:
        raise InputError("Invalid network mode: invalid container format container:<name|id>")
    for option, word, mode, known in (
        ("--pid", "PID", request.pid_mode, ("", HOST)),
        ("--uts", "UTS", request.uts_mode, ("", HOST)),
        ("--userns", "USER", request.userns_mode, ("", HOST)),
        ("--cgroupns", "CGROUP", request.cgroupns, ("", HOST, PRIVATE)),
    ):
        other = option == "--pid" and mode.startswith(_CONTAINER) and mode != _CONTAINER
        if mode not in known and not other:
            raise OptionError(f"{option}: invalid {word} mode")
    ipc = request.ipc_mode
    if ipc not in ("", HOST, NONE, PRIVATE, SHAREABLE) and not (ipc.startswith(_CONTAINER) and ipc != _CONTAINER):
        raise InputError(f"Invalid IPC mode: {ipc}")


def _check_conflicts(request: RunRequest) -> None:
    """docker's, in its words."""
    of_another = request.network.startswith(_CONTAINER)
    if of_another and request.hostname:
        raise InputError("conflicting options: hostname and the network mode")
    if request.uts_mode == HOST and request.hostname:
        raise InputError("conflicting options: hostname and the UTS mode")
    if of_another and request.dns:
        raise InputError("conflicting options: dns and the network mode")
    if of_another and request.extra_hosts:
        raise InputError("conflicting options: custom host-to-IP mapping and the network mode")
    if request.exposed_ports:
        raise InputError("conflicting options: port exposing and the container type network mode")
    if request.uts_mode == HOST and request.domainname:
        raise InputError("conflicting options: --domainname and --uts host, whose domain name is the host's")
    for setting in request.sysctls if request.ipc_mode == HOST else ():
        if setting.startswith(("kernel.", "fs.mqueue.")):
            raise InputError(f'sysctl "{setting.partition("=")[0]}" is not allowed in the hosts ipc namespace')


def _check_ordinary_user(request: RunRequest) -> None:
    for option, mode, what in (
        ("--pid", request.pid_mode, "process tree"),
        ("--userns", request.userns_mode, "user namespace"),
        ("--cgroupns", request.cgroupns, "cgroup namespace"),
    ):
        if mode == HOST:
            raise Refused(f"{option} host cannot be had here: {_ALONE.format(what)}")
    others = {mode for mode in (request.network, request.pid_mode, request.ipc_mode) if mode.startswith(_CONTAINER)}
    if len(others) > 1:
        raise Refused(
            "namespaces of two other containers cannot be shared here: an ordinary user's containers have a user "
            "namespace each, and a process is in one; share all with the same container"
        )


def _check_group(engine: Engine, request: RunRequest) -> None:
    """A shared tree of processes does not end with the first of them: only a control group finds the rest."""
    if not request.pid_mode:
        return
    from ipycontainer.engine.limits import launchers_layout
    from ipycontainer.linux.cgroups import Limits, plan_cgroup

    if not plan_cgroup(launchers_layout(engine.launcher), "check", Limits()).leaves:
        raise Refused(
            f"--pid {request.pid_mode} cannot be had here: without a control group nobody finds what the container "
            "leaves running when its first process ends; leave the option out"
        )


def _with_id(engine: Engine, mode: str) -> str:
    return _CONTAINER + engine.directory.find(mode.removeprefix(_CONTAINER)) if mode.startswith(_CONTAINER) else mode


def change(spec: dict[str, Any], request: RunRequest) -> None:
    """Change `spec`, whose namespaces are all the container's own, as `request` asks."""
    asked = {"pid": request.pid_mode, "ipc": request.ipc_mode, "uts": request.uts_mode, "cgroup": request.cgroupns}
    shared = {kind: mode for kind, mode in asked.items() if mode == HOST or mode.startswith(_CONTAINER)}
    if request.network.startswith(_CONTAINER):
        shared["network"] = request.network
        options = ["rbind", "ro"] if request.read_only else ["rbind"]
        first = len(base_mounts())  # before what was asked for, so that -v may put another file there
        spec["mounts"][first:first] = [
            {"destination": f"/etc/{name}", "type": "container", "source": "network", "options": options}
            for name in etc_files.names()
        ]
    namespaces = spec["linux"]["namespaces"]
    spec["linux"]["namespaces"] = [
        *(item for item in namespaces if item["type"] not in shared),
        # The path is known at the start: it is that of whatever process the other one has then.
        *({"type": kind, "path": mode} for kind, mode in shared.items() if mode != HOST),
    ]
    if request.domainname:
        spec["domainname"] = request.domainname
    if request.ipc_mode not in ("", PRIVATE, SHAREABLE):
        _change_memory(spec, request.ipc_mode)


def _change_memory(spec: dict[str, Any], mode: str) -> None:
    """/dev/shm and /dev/mqueue are what its IPC namespace is seen by."""
    mounts = spec["mounts"]
    place = next(number for number, item in enumerate(mounts) if item["destination"] == "/dev/shm")
    if mode == NONE:
        del mounts[place]
        return
    if mode != HOST:
        mounts[place] = {"destination": "/dev/shm", "type": "container", "source": "ipc", "options": []}
        return
    if not os.path.isdir("/dev/shm"):
        raise InputError("/dev/shm is not mounted, but must be for --ipc=host")
    mounts[place] = {"destination": "/dev/shm", "type": "bind", "source": "/dev/shm", "options": ["bind"]}
    if os.geteuid():
        # Only the owner of an IPC namespace may mount its queues; the host's own mount of them is shown.
        place = next(number for number, item in enumerate(mounts) if item["destination"] == "/dev/mqueue")
        shown = {"destination": "/dev/mqueue", "type": "bind", "source": "/dev/mqueue", "options": ["bind"]}
        mounts[place : place + 1] = [shown] if os.path.isdir("/dev/mqueue") else []


def joined(engine: Engine, launch: Launch) -> Launch:
    """The launch with the run folders of those whose namespaces it shares, and the network's host name.

    Raises NoSuchContainer, WrongState where such a one does not run.
    """
    spec = launch.spec
    others = []
    for item in spec["linux"]["namespaces"]:
        if not item.get("path"):
            continue
        kind, other = str(item["type"]), engine.get(str(item["path"]).removeprefix(_CONTAINER))
        _check_running(kind, other)
        if kind == "network":
            spec = _with_name_of(spec, engine.directory.read_launch(other.id)["spec"])
        if engine.launcher.mode != "root" and _is_hosts(engine, kind, other):
            # It is in the host's already, and nobody may join that; but what is the other's to show is in its own.
            spec = _shown_from(spec, kind, "user")
            kind = "user"
        others.append((kind, other.run_folder))
    return launch.replace(spec=spec, others=tuple(others))


def _is_hosts(engine: Engine, kind: str, other: Container) -> bool:
    """Whether `other` has the host's namespace of this kind, by itself or through whom it shares it with."""
    for item in engine.directory.read_launch(other.id)["spec"]["linux"]["namespaces"]:
        if item["type"] == kind:
            path = str(item.get("path", ""))
            return bool(path) and _is_hosts(engine, kind, engine.get(path.removeprefix(_CONTAINER)))
    return True


def _shown_from(spec: dict[str, Any], kind: str, other: str) -> dict[str, Any]:
    """What the container it shares `kind` with shows it is found through the namespace `other`."""
    shown = {"type": "container", "source": kind}
    mounts = [{**item, "source": other} if shown.items() <= item.items() else item for item in spec["mounts"]]
    return {**spec, "mounts": mounts}


def _check_running(kind: str, other: Container) -> None:
    runs = other.state().runs
    if kind == "ipc":
        said = f"can't join IPC of container {other.id}: "
        if not runs:
            raise WrongState(f"{said}container {other.id} is not running")
        if other.config["request"].get("ipc_mode") != SHAREABLE:
            raise WrongState(f"{said}non-shareable IPC (hint: use IpcMode:shareable for the donor container)")
    elif not runs:
        said = "cannot join network of a non running container: " if kind == "network" else ""
        raise WrongState(f"{said}{other.id}" if said else f"container {other.id} is not running")


def _with_name_of(spec: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Who shares a network bears the name that goes with it."""
    process = dict(spec["process"])
    process["env"] = [
        f"HOSTNAME={other['hostname']}" if pair == f"HOSTNAME={spec['hostname']}" else pair for pair in process["env"]
    ]
    named = {**spec, "process": process, "hostname": other["hostname"]}
    named.pop("domainname", None)
    return {**named, **({"domainname": other["domainname"]} if "domainname" in other else {})}


def shown_hostname(engine: Engine, spec: dict[str, Any], started: bool) -> str:
    """inspect's Hostname: from the first start on, that of the container whose network it shares."""
    for item in spec["linux"]["namespaces"] if started else ():
        if item["type"] == "network" and item.get("path"):
            try:
                other = engine.directory.find(str(item["path"]).removeprefix(_CONTAINER))
                return str(engine.directory.read_launch(other)["spec"]["hostname"])
            except NoSuchContainer:
                break
    return str(spec["hostname"])
