"""From a request and an image to an OCI runtime spec: docker's defaults, written once.

Sources: the OCI runtime spec 1.0.2, and the defaults that docker documents for `docker run`.
"""

from __future__ import annotations

import os

from ipycontainer.engine.request import RunRequest, Ulimit
from ipycontainer.errors import InputError
from ipycontainer.json_text import dumps
from ipycontainer.network import modes
from ipycontainer.runtime.launch import IMAGE, LABELS
from ipycontainer.runtime.seccomp_profile import default_seccomp
from ipycontainer.runtime.usual import MASKED, READ_ONLY, SYSCTLS, base_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ipycontainer.engine.request import VolumeMount
    from ipycontainer.engine.security_options import SecurityOptions

VERSION = "1.0.2"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Docker's 14.
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL "
    "AUDIT_WRITE"
).split()


def compose(
    request: RunRequest,
    image: Mapping[str, Any],
    labels: Mapping[str, str],
    hostname: str,
    etc: list[tuple[str, str]],
    source: Callable[[VolumeMount], str],
) -> dict[str, Any]:
    """The spec of one container.

    image: the image's settings (Env, Cmd, Entrypoint, WorkingDir, …); labels: the container's;
    etc: (source, target) of the files that were written for it; source: where a volume's files are.
    Raises InputError for what makes no sense, before anything is made.
    """
    kept = capability_set(("ALL",) if request.privileged else request.cap_add, request.cap_drop)
    security = _security(request)
    spec = {
        "ociVersion": VERSION,
        "hostname": hostname,
        "annotations": {
            **dict(pair.partition("=")[::2] for pair in request.annotations),
            IMAGE: request.image,
            **({LABELS: dumps(labels)} if labels else {}),
        },
        "root": {"path": "rootfs", "readonly": request.read_only},
        "process": {
            "terminal": request.tty,
            "user": {"uid": 0, "gid": 0, **({"additionalGids": list(request.group_add)} if request.group_add else {})},
            "args": list(arguments(request, image)),
            "env": environment(request, image, hostname),
            "cwd": _working_folder(request, image),
            "capabilities": {"bounding": kept, "effective": kept, "permitted": kept},
            "rlimits": _limits(request),
            "noNewPrivileges": security.no_new_privileges if security else True,
            **({"oomScoreAdj": request.oom_score_adj} if request.oom_score_adj else {}),
        },
        "mounts": [*base_mounts(request.shm_size), *_asked_mounts(request, etc, source)],
        "linux": {
            "namespaces": [
                {"type": kind} for kind in ("pid", "mount", "ipc", "uts", "cgroup", *modes.namespaces(request.network))
            ],
            "resources": _resources(request),
            "sysctl": _sysctls(request),
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
            **_filter(security, kept),
        },
    }
    if security or request.devices or request.sysctls or request.device_cgroup_rules:
        from ipycontainer.engine.confinement import change

        change(spec, request, security)
    return spec


def _limits(request: RunRequest) -> list[dict[str, Any]]:
    """What was asked for; and no core dump, which would write a program's memory, keys and all, to the disk."""
    asked = [Ulimit("core", 0, 0), *request.ulimits]
    limits = {f"RLIMIT_{item.name.upper()}": (item.soft, item.hard) for item in asked}
    return [{"type": name, "soft": soft, "hard": hard} for name, (soft, hard) in limits.items()]


def _sysctls(request: RunRequest) -> dict[str, str]:
    """docker's own, where the network is the container's."""
    return dict(SYSCTLS) if "network" in modes.namespaces(request.network) else {}


def _security(request: RunRequest) -> SecurityOptions | None:
    """What --security-opt asks for; --privileged means no filter and no no_new_privs, unless they are asked for."""
    if not request.security_opts and not request.privileged:
        return None
    from ipycontainer.engine.security_options import UNCONFINED, parse

    found = parse(request.security_opts)
    if request.privileged:
        usual = {"seccomp": UNCONFINED, "no_new_privileges": False, "apparmor": UNCONFINED, "labels": ("disable",)}
        names = {"no_new_privileges": "no-new-privileges", "labels": "label"}
        found = found.replace(**{key: value for key, value in usual.items() if names.get(key, key) not in found.given})
    return found


def _filter(security: SecurityOptions | None, capabilities: list[str]) -> dict[str, Any]:
    """The spec's `seccomp`; nothing for no filter."""
    if security is None:
        return {"seccomp": default_seccomp(capabilities)}
    from ipycontainer.engine.security_options import seccomp_part

    return seccomp_part(security, capabilities)


def arguments(request: RunRequest, image: Mapping[str, Any]) -> tuple[str, ...]:
    """Entrypoint and command as docker joins them: an entrypoint that was given drops the image's command."""
    entrypoint = tuple(image.get("Entrypoint") or ())
    command = tuple(image.get("Cmd") or ())
    if request.entrypoint is not None:
        entrypoint, command = request.entrypoint, ()
    if request.command:
        command = request.command
    joined = (*(part for part in entrypoint), *command)
    if not joined:
        raise InputError("no command specified: the image has none, so give one after its name")
    return joined


def environment(request: RunRequest, image: Mapping[str, Any], hostname: str) -> list[str]:
    """docker's order: its defaults, the image's, what was asked for; HOME is set inside, from the user's entry."""
    values = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname}
    if request.tty:
        values["TERM"] = "xterm"
    for pair in (*(image.get("Env") or ()), *request.env):
        name, equals, value = pair.partition("=")
        if not name or "\0" in pair:
            raise InputError(f"invalid environment variable {pair!r}; write NAME=VALUE")
        if equals:
            values[name] = value
        else:
            values.pop(name, None)  # docker: -e NAME without a value takes the variable away
    return [f"{name}={value}" for name, value in values.items()]


def _working_folder(request: RunRequest, image: Mapping[str, Any]) -> str:
    path = request.workdir or image.get("WorkingDir") or "/"
    if not path.startswith("/"):
        raise InputError(f"the working directory '{path}' is invalid, it needs to be an absolute path")
    return os.path.normpath(path)


def capability_set(add: tuple[str, ...], drop: tuple[str, ...]) -> list[str]:
    """docker's --cap-add and --cap-drop, ALL included, over its 14."""
    added, dropped = _plain_names(add), _plain_names(drop)
    if not added and not dropped:
        return [f"CAP_{name}" for name in CAPABILITIES]
    from ipycontainer.linux.capability_names import NAMES

    for name in (*added, *dropped):
        if name != "ALL" and name not in NAMES:
            raise InputError(f"invalid CapAdd/CapDrop: unknown capability: 'CAP_{name}'; capabilities(7) lists them")
    kept = set(NAMES) if "ALL" in added else set(CAPABILITIES)
    kept = set() if "ALL" in dropped else kept - set(dropped)
    # A capability that is named wins over ALL, and an added one over a dropped one only then.
    kept |= set(added) - {"ALL"} - set(dropped)
    return [f"CAP_{name}" for name in NAMES if name in kept]


def _plain_names(names: tuple[str, ...]) -> list[str]:
    return [name.upper().removeprefix("CAP_") for name in names]


def _resources(request: RunRequest) -> dict[str, Any]:
    """The limits, in the spec's words (config-linux.md, "resources")."""
    if not request.asks_for_limits():
        return {}
    from ipycontainer.engine.resources import resources

    return resources(request)


def _asked_mounts(
    request: RunRequest, etc: list[tuple[str, str]], source: Callable[[VolumeMount], str]
) -> list[dict[str, Any]]:
    """The written files, then what was asked for, so that -v may put another file over /etc/hosts."""
    options = ["rbind", "ro"] if request.read_only else ["rbind"]
    found = [{"destination": target, "type": "bind", "source": path, "options": options} for path, target in etc]
    if not (request.binds or request.tmpfs or request.volumes or request.images):
        return found
    from ipycontainer.engine.mounts import entries

    asked = entries(request, source)
    below = [entry for entry in asked if entry["destination"] == "/etc"]  # which the written files lie in
    return [*below, *found, *(entry for entry in asked if entry not in below)]
