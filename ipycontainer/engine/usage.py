"""What containers use now: read from their cgroups, or, where this machine gives an ordinary user none, from /proc.

A cgroup counts exactly, also for processes that have ended.  /proc knows the living alone: their CPU time, and
their resident memory, in which a page that two processes share counts twice.  `counted_by` says which it was.
"""

from __future__ import annotations

import os
import time

from ipycontainer.linux.cgroups import Usage, usage
from ipycontainer.linux.process_usage import usage_of_namespaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine
    from ipycontainer.runtime.container_state import State

CGROUP, PROC = "cgroup", "/proc"


class Reading(Usage):
    """One look at one container: the numbers of Usage and

    container: whose they are; time: when, in seconds since the epoch; counted_by: "cgroup", "/proc", or "" where
    it does not run; cpus_max: the number of CPUs that it may use, None where it is not limited.

    In a notebook whose extension is loaded the value of a cell goes on: live while somebody looks at it.
    """

    container: Any = None
    time: float = 0.0
    counted_by: str = ""
    cpus_max: float | None = None

    @property
    def memory(self) -> int | None:
        """Bytes as docker's `stats` counts them: without files that the kernel may drop at once."""
        if self.memory_current is None:
            return None
        return max(self.memory_current - (self.memory_inactive_file or 0), 0)

    @property
    def memory_limit(self) -> int:
        """Its limit, or what this machine has, in bytes."""
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return there if self.memory_max is None else min(self.memory_max, there)

    def __repr__(self) -> str:
        name = self.container.name if self.container is not None else "?"
        if not self.counted_by:
            return f"<{name} does not run>"
        cpu = "?" if self.cpu_usec is None else f"{self.cpu_usec / 1e6:.2f} s"
        memory = "?" if self.memory is None else f"{self.memory / 2**20:.1f} MB"
        most = f" of {self.memory_max >> 20} MB" if self.memory_max is not None else ""
        processes = f"{self.pids_current} process" + ("" if self.pids_current == 1 else "es")
        return f"<{name}: CPU {cpu}, memory {memory}{most}, {processes}, by {self.counted_by}>"


class Dashboard:
    """All running containers of an engine: each `read` is one look.

    In a notebook whose extension is loaded the value of a cell is a live table.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def read(self) -> list[Reading]:
        """What every running container uses now, the newest first."""
        return readings(self.engine.containers())

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.read())) or "<no container runs>"


def cpu_percent(before: Reading | None, now: Reading) -> float | None:
    """docker's share of the CPU between two looks: 100 is one CPU; None where nobody has counted twice."""
    if before is None or before.cpu_usec is None or now.cpu_usec is None or now.time <= before.time:
        return None
    # A smaller number is another life's.
    return max(now.cpu_usec - before.cpu_usec, 0) / (now.time - before.time) / 10_000


def readings(containers: Iterable[Container]) -> list[Reading]:
    """One look at all of them; /proc is walked once at most."""
    pairs = [(container, container.state()) for container in containers]
    summed = usage_of_namespaces(state.pid for _, state in pairs if state.pid and not state.cgroups)
    return [reading(container, state, summed) for container, state in pairs]


def reading(container: Container, state: State, summed: dict[int, Usage]) -> Reading:
    """One look at a container in this state; summed: what /proc says, by the number of PID 1."""
    cpus = float(container.config["request"]["cpus"]) or None
    now = time.time()
    if not state.pid:
        return Reading(container=container, time=now, cpus_max=cpus)
    if state.cgroups:
        numbers, by = usage(state.cgroups), CGROUP
    else:
        numbers, by = summed.get(state.pid, Usage()), PROC
    return Reading(**numbers.as_dict(), container=container, time=now, cpus_max=cpus, counted_by=by)
