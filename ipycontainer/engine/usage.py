"""What containers use now: read from their cgroups, or, where this machine gives an ordinary user none, from /proc.

A cgroup counts exactly, also for processes that have ended.  /proc knows the living alone: their CPU time, and
their resident memory, in which a page that two processes share counts twice.  `counted_by` says which it was.
"""

from __future__ import annotations

import os
import time

from ipycontainer.linux.cgroups import Usage, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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

    def __repr__(self) -> str:
        name = self.container.name if self.container is not None else "?"
        if not self.counted_by:
            return f"<{name} does not run>"
        cpu = "?" if self.cpu_usec is None else f"{self.cpu_usec / 1e6:.2f} s"
        memory = "?" if self.memory is None else f"{self.memory / 2**20:.1f} MB"
        most = f" of {self.memory_max >> 20} MB" if self.memory_max is not None else ""
        return f"<{name}: CPU {cpu}, memory {memory}{most}, {self.pids_current} processes, by {self.counted_by}>"


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


def readings(containers: Iterable[Container]) -> list[Reading]:
    """One look at all of them; /proc is walked once at most."""
    pairs = [(container, container.state()) for container in containers]
    members: dict[int, list[str]] = {}
    if any(state.pid and not state.cgroups for _, state in pairs):
        members = processes_by_namespace()
    return [reading(container, state, members) for container, state in pairs]


def reading(container: Container, state: State, members: dict[int, list[str]]) -> Reading:
    """One look at a container in this state; members: see processes_by_namespace."""
    cpus = float(container.config["request"]["cpus"]) or None
    now = time.time()
    if not state.pid:
        return Reading(container=container, time=now, cpus_max=cpus)
    if state.cgroups:
        numbers, by = usage(state.cgroups).as_dict(), CGROUP
    else:
        numbers, by = sum_of(members.get(namespace_of(str(state.pid)), [])), PROC
    return Reading(**numbers, container=container, time=now, cpus_max=cpus, counted_by=by)


def processes_by_namespace() -> dict[int, list[str]]:
    """The processes that this user may look into, by the number of their pid namespace: pid_namespaces(7)."""
    found: dict[int, list[str]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (number := namespace_of(name)):
            found.setdefault(number, []).append(name)
    return found


def namespace_of(pid: str) -> int:
    """The number of a process's pid namespace; 0 where it is gone or somebody else's."""
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino
    except OSError:
        return 0


def sum_of(pids: Iterable[str]) -> dict[str, Any]:
    """Usage's numbers of these processes together: proc_pid_stat(5), proc_pid_statm(5)."""
    ticks = memory = count = 0
    for used, resident in _numbers(pids):
        ticks, memory, count = ticks + used, memory + resident, count + 1
    return {
        "memory_current": memory * os.sysconf("SC_PAGE_SIZE"),
        "cpu_usec": ticks * 1_000_000 // os.sysconf("SC_CLK_TCK"),
        "pids_current": count,
    }


def _numbers(pids: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Ticks of CPU, children that were waited for included, and resident pages of each."""
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
                # The name is in brackets and may hold anything, brackets too.
                fields = file.read(4096).rpartition(b")")[2].split()
        except OSError:
            continue  # it has just ended
        if len(fields) > 21:
            yield sum(map(int, fields[11:15])), max(int(fields[21]), 0)
