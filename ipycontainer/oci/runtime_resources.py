"""The `linux.resources` part of a runtime spec: limits, in cgroup v1's names as the spec has them."""

from __future__ import annotations

from ipycontainer.oci.document import Node
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Memory(Record):
    """Bytes; None says nothing, -1 means unlimited. swap counts memory and swap together."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None
    swappiness: int | None = None
    disable_oom_killer: bool = False


class Cpu(Record):
    """Shares are relative; quota is microseconds for each period."""

    shares: int | None = None
    quota: int | None = None
    period: int | None = None
    cpus: str = ""
    mems: str = ""


class DeviceRule(Record):
    """Whether a kind of device may be used; None stands for "all"."""

    allow: bool
    type: str = "a"
    major: int | None = None
    minor: int | None = None
    access: str = ""


class Resources(Record):
    """All limits. unified: cgroup v2 file -> value, written as it stands."""

    memory: Memory = Memory()
    cpu: Cpu = Cpu()
    pids: int | None = None
    devices: tuple[DeviceRule, ...] = ()
    blkio_weight: int | None = None
    unified: Mapping[str, str] = {}


def read(node: Node) -> Resources:
    """The limits at this place."""
    return Resources(
        _memory(node.at("memory")) if node.has("memory") else Memory(),
        _cpu(node.at("cpu")) if node.has("cpu") else Cpu(),
        node.at("pids").at("limit").integer() if node.has("pids") else None,
        tuple(_device_rule(item) for item in node.at("devices").items()),
        _at_least(node.at("blockIO").at("weight"), 0) if node.has("blockIO") else None,
        node.at("unified").text_map(),
    )


def _memory(node: Node) -> Memory:
    return Memory(
        _at_least(node.at("limit"), -1),
        _at_least(node.at("reservation"), -1),
        _at_least(node.at("swap"), -1),
        _at_least(node.at("swappiness"), 0),
        node.at("disableOOMKiller").boolean(False),
    )


def _cpu(node: Node) -> Cpu:
    return Cpu(
        _at_least(node.at("shares"), 0),
        _at_least(node.at("quota"), -1),
        _at_least(node.at("period"), 0),
        node.at("cpus").text(""),
        node.at("mems").text(""),
    )


def _device_rule(node: Node) -> DeviceRule:
    kind = node.at("type").text("a")
    if kind not in ("a", "b", "c", ""):
        raise node.at("type").refuse("a, b or c")
    access = node.at("access").text("")
    if not set(access) <= set("rwm"):
        raise node.at("access").refuse("letters of rwm")
    return DeviceRule(
        node.at("allow").boolean(),
        kind or "a",
        _device_number(node.at("major")),
        _device_number(node.at("minor")),
        access,
    )


def _device_number(node: Node) -> int | None:
    number = node.integer(-1)
    return None if number == -1 else number


def _at_least(node: Node, least: int) -> int | None:
    if node.value is None:
        return None
    number = node.integer()
    if number < least:
        raise node.refuse(f"at least {least}")
    return number
