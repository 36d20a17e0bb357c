"""What a spec says about devices, for this host: who keeps the others away, which nodes are made or shown."""

from __future__ import annotations

import stat

from ipycontainer.errors import DocumentError
from ipycontainer.linux import cgroups
from ipycontainer.linux.cgroups.devices import DeviceRule
from ipycontainer.runtime.inside.step import Step
from ipycontainer.runtime.inside.steps import devices
from ipycontainer.runtime.launch import Host, Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where v1's hierarchy has no list of ours.
UNLISTED = ("", cgroups.devices.PROGRAMS)
_TYPES = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK}


def rules(launch: Launch) -> tuple[DeviceRule, ...]:
    """The rules of `linux.resources.devices`; () where it names none, and the usual ones hold.

    Every list begins with what everybody has.  Raises DocumentError for a rule that takes away a part of it.
    """
    found = launch.spec.get("linux", {}).get("resources", {}).get("devices") or ()
    if not found:
        return ()
    allowed = []
    for item in found:
        rule = _rule(item)
        if item.get("allow"):
            allowed.append(rule)
        elif rule != cgroups.devices.EVERYTHING[0]:
            raise DocumentError("linux.resources.devices: only a rule that denies everything can deny")
    if cgroups.devices.EVERYTHING[0] in allowed:
        return cgroups.devices.EVERYTHING
    return (*cgroups.devices.USUAL, *allowed)


def _rule(item: dict[str, Any]) -> DeviceRule:
    numbers = [None if (number := item.get(key, -1)) in (-1, None) else int(number) for key in ("major", "minor")]
    return DeviceRule(str(item.get("type", "a")), numbers[0], numbers[1], str(item.get("access", "rwm")))


def kept(group: cgroups.CgroupPlan, host: Host) -> bool:
    """Whether anything keeps the container from devices that it was not given.  Never in a user namespace, where
    mknod is refused instead."""
    return bool(host.devices) and (host.devices != cgroups.devices.PROGRAMS or bool(group.clone_into))


def shares_group(launch: Launch, host: Host) -> bool:
    """Whether the container sits in the group of all that have the usual devices (v1)."""
    return host.devices not in UNLISTED and not rules(launch)


def with_devices(group: cgroups.CgroupPlan, host: Host, launch: Launch, name: str) -> cgroups.CgroupPlan:
    """The groups called `name`, with one of its own in v1's devices hierarchy if it has a list of its own."""
    if host.devices in UNLISTED or not (own := rules(launch)):
        return group
    leaf = f"{host.devices}/{name}"
    return group.replace(
        folders=(*group.folders, host.devices, leaf),
        writes=(*group.writes, *cgroups.devices.rule_writes(leaf, own)),
        joins=(*group.joins, f"{leaf}/tasks"),
        leaves=(*group.leaves, leaf),
    )


def nodes(launch: Launch, made: bool) -> list[Step]:
    """A step for each of `linux.devices`; made: nodes can be made, else the host's are shown."""
    steps: list[Step] = []
    for item in launch.spec.get("linux", {}).get("devices") or ():
        if not made:
            steps.append(devices.ShowNode(item.get("source") or item["path"], item["path"]))
            continue
        if item["type"] not in _TYPES:
            raise DocumentError(f"linux.devices: {item['path']}: type {item['type']!r} is not c, u or b")
        mode = _TYPES[item["type"]] | int(item.get("fileMode", 0o666))
        numbers = int(item["major"]), int(item["minor"])
        owner = int(item.get("uid", 0)), int(item.get("gid", 0))
        steps.append(devices.MakeNode(item["path"], mode, *numbers, *owner))
    return steps
