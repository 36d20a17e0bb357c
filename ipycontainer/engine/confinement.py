"""What was asked for beyond docker's defaults: --privileged, --device, --sysctl, paths and labels.

Read only when one of them is asked for.  Words of refusals are docker's where a script may look for them.
"""

from __future__ import annotations

import os
import stat

from ipycontainer.errors import InputError, OptionError, Refused
from ipycontainer.linux import labels
from ipycontainer.network import modes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ipycontainer.engine.request import RunRequest
    from ipycontainer.engine.security_options import SecurityOptions

# Kernel settings that belong to a namespace, and so may differ between containers: docker's list.
_IPC = (
    "kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni "
    "kernel.shm_rmid_forced"
).split()
_IPC_FOLDER, _NETWORK_FOLDER = "fs.mqueue.", "net."

# Of the host's /dev, what a container has of its own (--privileged shows the rest).
_OWN = ("console", "fd", "mqueue", "ptmx", "pts", "shm", "stdin", "stdout", "stderr", "core")

PRIVILEGED_USER = (
    "--privileged gives an ordinary user's container what a user namespace allows: every capability in it and no "
    "masked path, but none of the host's devices, and a control group to write only where version 2 is delegated"
)


def change(spec: dict[str, Any], request: RunRequest, security: SecurityOptions | None) -> None:
    """Change `spec`, docker's defaults, as `request` asks.  Raises InputError, Refused."""
    linux, process = spec["linux"], spec["process"]
    if request.privileged:
        _privilege(spec)
    for text in request.devices:
        _add_device(linux, *device(text))
    if request.device_cgroup_rules:
        if os.geteuid():
            raise Refused(
                f"--device-cgroup-rule '{request.device_cgroup_rules[0]}' cannot be kept here: an ordinary user's "
                "container cannot make device nodes; --device shows it one of the host's that you may open"
            )
        from ipycontainer.engine.resources import device_rules

        rules = linux["resources"].setdefault("devices", [])
        if {"allow": True, "access": "rwm"} not in rules:
            rules += device_rules(request.device_cgroup_rules)
    for text in request.sysctls:
        name, value = sysctl(text, request.network)
        linux["sysctl"][name] = value
    if security is not None:
        if security.system_paths == "unconfined":
            linux["maskedPaths"], linux["readonlyPaths"] = [], []
        profile = apparmor(security.apparmor)
        label = selinux(security.labels)
        if profile:
            process["apparmorProfile"] = profile
        if label:
            process["selinuxLabel"] = label


def _privilege(spec: dict[str, Any]) -> None:
    """All that there is: the host's devices (for root), /sys and the cgroups to write, nothing masked."""
    linux = spec["linux"]
    linux["maskedPaths"], linux["readonlyPaths"] = [], []
    for mount in spec["mounts"]:
        if mount["type"] in ("sysfs", "cgroup"):
            mount["options"] = [option for option in mount["options"] if option != "ro"]
    linux["resources"] = {**linux["resources"], "devices": [{"allow": True, "access": "rwm"}]}
    if os.geteuid() == 0:
        linux["devices"] = [_node(path, path) for path in host_devices()]


def host_devices() -> Iterator[str]:
    """Every device node below /dev that is not the container's own already."""
    for folder, folders, files in os.walk("/dev"):
        if folder == "/dev":
            folders[:] = [name for name in folders if name not in _OWN]
            files = [name for name in files if name not in _OWN]
        for name in sorted(files):
            path = os.path.join(folder, name)
            try:
                mode = os.lstat(path).st_mode
            except OSError:
                continue  # unplugged meanwhile
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                yield path


def device(text: str) -> tuple[str, str, str]:
    """--device HOST[:CONTAINER[:rwm]] or HOST:rwm.  Raises InputError."""
    source, *rest = text.split(":")
    if not source or len(rest) > 2:
        raise OptionError(f"bad format for path: {text}; write --device HOST[:CONTAINER[:rwm]]")
    target, access = source, "rwm"
    if len(rest) == 1 and _is_access(rest[0]):
        access = rest[0]
    elif rest:
        target = rest[0] or source
    if len(rest) == 2:
        access = rest[1]
    if not _is_access(access):
        raise OptionError(f"bad mode specified: {access}; it is of the letters r, w and m")
    for path in (source, target):
        if not os.path.isabs(path):
            raise OptionError(f"{path} is not an absolute path")
    return source, os.path.normpath(target), access


def _is_access(word: str) -> bool:
    return bool(word) and set(word) <= set("rwm") and len(set(word)) == len(word)


def _add_device(linux: dict[str, Any], source: str, target: str, access: str) -> None:
    """One node; for a folder each device in it, as docker does."""
    said = f'error gathering device information while adding custom device "{source}"'
    if os.path.isdir(source):
        found = _devices_below(source)
    else:
        found = [os.path.realpath(source)]
    if not found:
        raise InputError(f"{said}: not a device node")
    for path in found:
        shown = target + path.removeprefix(source) if os.path.isdir(source) else target
        try:
            node = _node(path, shown)
        except OSError as error:
            raise InputError(f"{said}: {(error.strerror or 'it cannot be looked at').lower()}") from None
        if node["type"] == "":
            raise InputError(f"{said}: not a device node")
        linux.setdefault("devices", []).append(node)
        rule = {"allow": True, "type": node["type"], "major": node["major"], "minor": node["minor"], "access": access}
        rules = linux["resources"].setdefault("devices", [])
        if {"allow": True, "access": "rwm"} not in rules:
            rules.append(rule)


def _devices_below(folder: str) -> list[str]:
    found = []
    for above, _, files in os.walk(folder):
        found += [path for name in sorted(files) if _is_device(path := os.path.join(above, name))]
    return found


def _is_device(path: str) -> bool:
    try:
        return stat.S_IFMT(os.lstat(path).st_mode) in (stat.S_IFCHR, stat.S_IFBLK)
    except OSError:
        return False  # it went away while we looked (/proc, /dev/shm)


def _node(source: str, target: str) -> dict[str, Any]:
    """One of the spec's linux.devices.  `source` is ours beside the spec: an ordinary user is shown that very node."""
    there = os.stat(source)
    kind = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}.get(stat.S_IFMT(there.st_mode), "")
    return {
        "path": target,
        "type": kind,
        "major": os.major(there.st_rdev),
        "minor": os.minor(there.st_rdev),
        "fileMode": stat.S_IMODE(there.st_mode),
        "uid": there.st_uid,
        "gid": there.st_gid,
        "source": source,
    }


def sysctl(text: str, network: str) -> tuple[str, str]:
    """--sysctl NAME=VALUE: a setting of the container's own namespaces.  Raises InputError."""
    name, equals, value = text.partition("=")
    name = name.strip()
    parts = name.split(".")
    allowed = name in _IPC or name.startswith((_IPC_FOLDER, _NETWORK_FOLDER))
    if not equals or not allowed or not all(parts) or "/" in name or ".." in name or "\0" in text:
        raise OptionError(
            f"sysctl '{text}' is not allowed: write NAME=VALUE, for a setting that is in a namespace of the "
            f"container's own ({_NETWORK_FOLDER}…, {_IPC_FOLDER}…, kernel.msg…, kernel.sem, kernel.shm…)"
        )
    if name.startswith(_NETWORK_FOLDER) and "network" not in modes.namespaces(network):
        raise InputError(f"sysctl '{name}={value}' is not allowed with --network {network}: it would be the host's")
    return name, value


def apparmor(profile: str) -> str:
    """The AppArmor profile to run under, "" for the default.  Raises Refused where this kernel has no AppArmor."""
    if profile in ("", "unconfined"):
        return profile
    if not labels.has_apparmor():
        raise Refused(f"--security-opt apparmor={profile} is refused: this kernel runs without AppArmor; leave it out")
    if any(letter.isspace() or not letter.isprintable() for letter in profile):
        raise InputError(f"invalid --security-opt: apparmor={profile!r}; a profile is one word")
    return profile


def selinux(options: tuple[str, ...]) -> str:
    """The SELinux context to run in, from label=user:U, role:R, type:T, level:L; "" for none.

    Raises Refused where this kernel has no SELinux.
    """
    if not options or "disable" in options:
        return ""
    fields = {"user": "system_u", "role": "system_r", "type": "container_t", "level": "s0"}
    for option in options:
        name, colon, value = option.partition(":")
        if name not in fields or not colon or not value or any(letter.isspace() for letter in value):
            raise InputError(
                f"invalid --security-opt: 'label={option}'; write label=disable, user:, role:, type:, level:"
            )
        fields[name] = value
    if not labels.has_selinux():
        raise Refused(f"--security-opt label={options[0]} is refused: this kernel runs without SELinux; leave it out")
    return ":".join(fields.values())
