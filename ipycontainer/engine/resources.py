"""The limits that are asked for: docker's ranges, and the same in the words of an OCI runtime spec.

Read only when a limit is asked for.  The sentences begin with docker's words, which scripts look for.
"""

from __future__ import annotations

import os
import stat

from ipycontainer.engine.sizes import size_bytes
from ipycontainer.errors import InputError, OptionError
from ipycontainer.linux.cgroups.limits import CPU_PERIOD, THROTTLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ipycontainer.engine.request import RunRequest

_LEAST_MEMORY = 6 << 20  # docker's
_ONLINE = "/sys/devices/system/cpu/online", "/sys/devices/system/node/online"


def resources(request: RunRequest) -> dict[str, Any]:
    """`linux.resources` (config-linux.md), without its devices.  Raises InputError for what is out of range."""
    _check_memory(request)
    _check_cpu(request)
    memory = {
        "limit": request.memory,
        "swap": request.memory_swap if request.memory else 0,
        "reservation": request.memory_reservation,
        "disableOOMKiller": request.oom_kill_disable,
    }
    found = {
        "memory": {name: value for name, value in memory.items() if value} | _swappiness(request),
        "cpu": _cpu(request),
        "pids": {"limit": request.pids_limit} if request.pids_limit else {},
        "blockIO": _disks(request),
    }
    return {name: part for name, part in found.items() if part}


def _swappiness(request: RunRequest) -> dict[str, int]:
    if request.memory_swappiness == -1:
        return {}
    if not 0 <= request.memory_swappiness <= 100:
        raise OptionError(f"Invalid value: {request.memory_swappiness}, valid memory swappiness range is 0-100")
    return {"swappiness": request.memory_swappiness}


def _check_memory(request: RunRequest) -> None:
    limit, both, reserved = request.memory, request.memory_swap, request.memory_reservation
    if limit < 0 or 0 < limit < _LEAST_MEMORY:
        raise InputError(f"the minimum memory limit is 6 MB; {limit} bytes would not start a program")
    if both > 0 and not limit:
        raise InputError("You should always set the Memory limit when using Memoryswap limit: add -m")
    if 0 < both < limit:
        raise InputError(
            "Minimum memoryswap limit should be larger than memory limit: --memory-swap is memory and swap together"
        )
    if 0 < reserved < _LEAST_MEMORY:
        raise InputError("Minimum memory reservation allowed is 6MB")
    if limit and reserved > limit:
        raise InputError("Minimum memory limit can not be less than memory reservation limit: raise -m or lower it")


def _check_cpu(request: RunRequest) -> None:
    for value, word in ((request.cpu_period, "Period"), (request.cpu_quota, "Quota")):
        if value and request.cpus:
            raise InputError(f"Conflicting options: Nano CPUs and CPU {word} cannot both be set: --cpus says both")
    if request.cpu_period and not 1_000 <= request.cpu_period <= 1_000_000:
        raise InputError("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")
    if 0 < request.cpu_quota < 1_000:
        raise InputError("CPU cfs quota can not be less than 1ms (i.e. 1000)")
    _check_realtime(request.cpu_rt_runtime, request.cpu_rt_period)
    if request.cpus:
        there = os.cpu_count() or 1
        if not 0.01 <= request.cpus <= there:
            raise InputError(f"the range of CPUs is from 0.01 to {there}.00, as there are only {there} CPUs available")
    if request.cpu_shares < 0:
        raise InputError(f"invalid CPU shares ({request.cpu_shares}): a positive number is needed")


def _check_realtime(runtime: int, period: int) -> None:
    if period and runtime > period:
        raise InputError("cpu real-time runtime cannot be higher than cpu real-time period")
    if runtime < 0 or period < 0:
        raise InputError("real-time runtime and period are numbers of microseconds, and not negative")


def _cpu(request: RunRequest) -> dict[str, Any]:
    found: dict[str, Any] = {"shares": request.cpu_shares, "quota": request.cpu_quota, "period": request.cpu_period}
    found.update(realtimeRuntime=request.cpu_rt_runtime, realtimePeriod=request.cpu_rt_period)
    if request.cpus:
        found.update(quota=round(request.cpus * CPU_PERIOD), period=CPU_PERIOD)
    elif request.cpu_quota and not request.cpu_period:
        found["period"] = CPU_PERIOD
    for name, value, kind, online in (
        ("cpus", request.cpuset_cpus, "CPUs", _ONLINE[0]),
        ("mems", request.cpuset_mems, "memory nodes", _ONLINE[1]),
    ):
        if value:
            _check_set(value, name, kind, online)
            found[name] = value
    return {name: value for name, value in found.items() if value}


def _check_set(value: str, name: str, kind: str, online: str) -> None:
    try:
        wanted = _numbers(value)
    except ValueError:
        raise InputError(f"Invalid value {value} for cpuset {name}: write a list such as 0-2,5") from None
    try:
        with open(online, encoding="ascii") as file:
            said = file.read().strip()
    except FileNotFoundError:
        said = "0"  # a kernel without NUMA has one node
    if not wanted <= _numbers(said):
        raise InputError(f"Requested {kind} are not available - requested {value}, available: {said}")


def _numbers(text: str) -> set[int]:
    """The kernel's list format, such as "0-2,5" (cpuset(7)); ValueError for what is none."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not (first.isascii() and first.isdigit() and ((last.isascii() and last.isdigit()) or not dash)):
            raise ValueError(part)
        begin, end = int(first), int(last or first)
        if not begin <= end < 1 << 16:
            raise ValueError(part)
        found.update(range(begin, end + 1))
    return found


def _disks(request: RunRequest) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if request.blkio_weight:
        if not 10 <= request.blkio_weight <= 1000:
            raise InputError("Range of blkio weight is from 10 to 1000")
        found["weight"] = request.blkio_weight
    weights = [_weight(text) for text in request.blkio_weight_devices]
    if weights:
        found["weightDevice"] = weights
    asked = (
        request.device_read_bps, request.device_write_bps, request.device_read_iops, request.device_write_iops,
    )  # fmt: skip
    for (kind, (_, _, option)), texts in zip(THROTTLES.items(), asked, strict=True):
        rates = list(_rates(texts, option))
        if rates:
            found[kind] = rates
    return found


def _weight(text: str) -> dict[str, int]:
    path, _, word = text.rpartition(":")
    if not path.startswith("/dev/") or not word.isdigit() or not 10 <= int(word) <= 1000:
        raise OptionError(f"bad format: {text}: write --blkio-weight-device /dev/sda:WEIGHT, 10 to 1000")
    return {**_device(path), "weight": int(word)}


def _rates(texts: tuple[str, ...], option: str) -> Iterator[dict[str, int]]:
    bytes_of = option.endswith("bps")
    for text in texts:
        path, _, word = text.rpartition(":")
        shape = "<device-path>:<number>[<unit>]" if bytes_of else "<device-path>:<number>"
        unit = ". Number must be a positive integer. Unit is optional and can be kb, mb, or gb" if bytes_of else ""
        try:
            rate = size_bytes(word) if bytes_of else int(word)
        except ValueError:
            rate = -1
        if not path.startswith("/dev/") or rate < 0:
            raise OptionError(f"invalid rate for device: {text}. The correct format is {shape}{unit}")
        yield {**_device(path), "rate": rate}


def _device(path: str) -> dict[str, int]:
    try:
        there = os.stat(path)
    except OSError as error:
        raise InputError(f"{path} is no device that could be limited: {(error.strerror or '').lower()}") from None
    if not stat.S_ISBLK(there.st_mode):
        raise InputError(f"{path} is no block device: only the traffic of disks can be limited")
    return {"major": os.major(there.st_rdev), "minor": os.minor(there.st_rdev)}


def device_rules(texts: tuple[str, ...]) -> list[dict[str, Any]]:
    """--device-cgroup-rule "c 13:* rmw" in the spec's words.  Raises InputError."""
    found = []
    for text in texts:
        words = text.split(" ")
        numbers = words[1].split(":") if len(words) == 3 else []
        whole = len(numbers) == 2 and all(word == "*" or (word.isascii() and word.isdigit()) for word in numbers)
        if not whole or words[0] not in ("a", "b", "c") or not words[2] or not set(words[2]) <= set("rwm"):
            raise OptionError(
                f"invalid device cgroup format '{text}': write TYPE MAJOR:MINOR ACCESS, such as 'c 13:* rwm'"
            )
        major, minor = (-1 if word == "*" else int(word) for word in numbers)
        found.append({"allow": True, "type": words[0], "major": major, "minor": minor, "access": words[2]})
    return found
