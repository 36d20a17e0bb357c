"""The last minute of containers: points of CPU, memory and processes, with their limits beside them."""

from __future__ import annotations

from collections import deque

from ipycontainer.control_characters import on_one_line
from ipycontainer.engine.usage import CGROUP
from ipycontainer.linux.cgroups.meter import Meter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.usage import Reading

POINTS = 60

# (key, title) of what is drawn, in this order.
PANELS = (("cpu", "CPU"), ("memory", "Memory"), ("pids", "Processes"))


class Series:
    """One container's.  Points are (CPUs, bytes, processes), None where this machine does not count them."""

    def __init__(self, first: Reading) -> None:
        container = first.container
        self.id = str(container.id)
        self.called(str(container.name))
        self.container = container
        self.counted_by = first.counted_by
        self.limits = {"cpu": first.cpus_max, "memory": first.memory_max, "pids": first.pids_max}
        self.points: deque[tuple[float | None, int | None, int | None]] = deque(maxlen=POINTS)
        self.ended = "" if first.counted_by else "does not run"
        self._last: tuple[float, int] | None = None
        self.meter = _meter(first)
        if first.counted_by:
            self.add(first.time, first.cpu_usec, first.memory, first.pids_current)

    def called(self, name: str) -> None:
        """What it is called now."""
        # What could turn or move what stands beside it is written out; markup is the browser's to keep as text.
        self.name = on_one_line(name)

    def add(self, when: float, cpu_usec: int | None, memory: int | None, pids: int | None) -> None:
        """One more point; the share of CPU is that since the one before."""
        share: float | None = None
        if cpu_usec is not None:
            if self._last is not None and when > self._last[0]:
                share = max(cpu_usec - self._last[1], 0) / 1e6 / (when - self._last[0])
            self._last = (when, cpu_usec)
        self.points.append((None if share is None else round(share, 4), memory, pids))

    def end(self, words: str) -> None:
        """It has ended: what was drawn stays, and says so."""
        self.ended = words
        self.meter = None

    def gap(self) -> None:
        """Nobody looked for a while: the next point has no CPU, for it would be the mean of all that time."""
        self._last = None

    def column(self, number: int) -> list[float]:
        """All points of one kind that were counted."""
        return [value for point in self.points if (value := point[number]) is not None]

    def whole(self) -> dict[str, Any]:
        """All of it, for a browser that begins to look."""
        return {
            "id": self.id,
            "name": self.name,
            "limits": self.limits,
            "counted_by": self.counted_by,
            "ended": self.ended,
            "points": [list(point) for point in self.points],
        }


def _meter(first: Reading) -> Meter | None:
    """A meter of its cgroups; None where it has none, or has just ended."""
    if first.counted_by != CGROUP:
        return None
    try:
        return Meter(first.container.state().cgroups)
    except OSError:
        return None


def words(key: str, value: float | None, limit: float | None) -> str:
    """`0.42 of 0.5 CPUs`, `12 MB of 64 MB`: a value and its limit for a person."""
    if value is None:
        return "not counted yet" if key == "cpu" else "not counted"
    if key == "memory":
        most = f" of {_bytes(limit)}" if limit is not None else ""
        return _bytes(value) + most
    if key == "cpu":
        return f"{value:.2f}" + (f" of {limit:g} CPUs" if limit is not None else " CPUs")
    return f"{value:.0f}" + (f" of {limit:.0f}" if limit is not None else "")


def _bytes(value: float) -> str:
    return f"{value / 2**20:.1f} MB" if value < 2**30 else f"{value / 2**30:.2f} GB"
