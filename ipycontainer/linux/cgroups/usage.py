"""What a container uses, read back from its groups."""

from __future__ import annotations

from ipycontainer.linux.cgroups.files import number, table
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

UNLIMITED = 1 << 62  # v1 says "no limit" with the largest multiple of a page


class Usage(Record):
    """What a container uses; None where this host does not count it.

    memory_inactive_file is what docker's `stats` takes off memory_current.
    """

    memory_current: int | None = None
    memory_peak: int | None = None
    memory_max: int | None = None
    memory_inactive_file: int | None = None
    cpu_usec: int | None = None
    throttled_usec: int | None = None
    pids_current: int | None = None
    pids_max: int | None = None
    oom_kills: int = 0


def usage(leaves: Iterable[str]) -> Usage:
    """What the processes in `leaves` use; a group that is gone counts as nothing."""
    found: dict[str, int] = {}
    for leaf in leaves:
        memory = table(f"{leaf}/memory.stat")
        for field, file, divisor in (
            ("memory_current", "memory.current", 1),
            ("memory_current", "memory.usage_in_bytes", 1),
            ("memory_peak", "memory.peak", 1),
            ("memory_peak", "memory.max_usage_in_bytes", 1),
            ("memory_max", "memory.max", 1),
            ("memory_max", "memory.limit_in_bytes", 1),
            ("cpu_usec", "cpuacct.usage", 1000),
            ("pids_current", "pids.current", 1),
            ("pids_max", "pids.max", 1),
        ):
            value = number(f"{leaf}/{file}")
            if value is not None and value < UNLIMITED:
                found[field] = value // divisor
        cpu = table(f"{leaf}/cpu.stat")
        for field, pairs, name, divisor in (
            ("memory_inactive_file", memory, "total_inactive_file", 1),
            ("memory_inactive_file", memory, "inactive_file", 1),
            ("cpu_usec", cpu, "usage_usec", 1),
            ("throttled_usec", cpu, "throttled_usec", 1),
            ("throttled_usec", cpu, "throttled_time", 1000),
        ):
            if name in pairs and field not in found:
                found[field] = pairs[name] // divisor
    return Usage(**found, oom_kills=oom_kills(leaves))


def oom_kills(leaves: Iterable[str]) -> int:
    """How many processes the kernel killed in these groups because of their memory limit."""
    for leaf in sorted(leaves, key=lambda leaf: "memory" not in leaf):
        for file in ("memory.oom_control", "memory.events"):
            if found := table(f"{leaf}/{file}"):
                # One hierarchy counts memory, and a look into each of the others takes time at every end.
                return found.get("oom_kill", 0)
    return 0
