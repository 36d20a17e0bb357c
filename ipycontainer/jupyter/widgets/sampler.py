"""A thread that measures while somebody looks.

Looked at, it takes a point a second, and learns of starts and ends at once (engine/watch.py).  Not looked at it
is not there at all: the thread ends, and the next look starts another.  A browser says again and again that it
looks; one that was closed says nothing, so its word holds for a while only.  A kernel that runs a cell cannot
listen; that time does not count.
"""

from __future__ import annotations

import select
import threading
import time

from ipycontainer.control_characters import on_one_line
from ipycontainer.engine.usage import PROC, readings
from ipycontainer.engine.watch import Watch
from ipycontainer.errors import Error
from ipycontainer.jupyter.widgets.series import Series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine

    Tell = Callable[[dict[str, Any]], None]

PERIOD = 1.0  # seconds between two points
_TOGETHER = 0.05  # seconds after which a store that was removed is gone as a whole
LEASE = 25.0  # seconds for which a browser's word holds; it says it again every ten


class Sampler:
    """What is drawn of `engine`'s containers, or of `only` one.

    tell: takes each message for the browsers; busy: whether the kernel cannot listen now; over: called when the
    one container has ended.
    """

    def __init__(
        self,
        engine: Engine,
        only: Container | None,
        tell: Tell,
        busy: Callable[[], bool],
        over: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._only = only
        self._tell = tell
        self._busy = busy
        self._when_over = over
        self.finished = False  # the one container has ended, and nothing will change any more
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._lookers: dict[str, float] = {}  # each browser's view, and until when its word holds
        self.series: dict[str, Series] = {}

    def look(self, who: str) -> None:
        """A browser's view looks: go on measuring."""
        with self._lock:
            self._lookers[who] = time.monotonic() + LEASE
            if self._thread is None and not self.finished:
                self._thread = threading.Thread(target=self._run, name="ipycontainer-usage", daemon=True)
                self._thread.start()

    def look_away(self, who: str = "") -> None:
        """That view looks no more; none at all, if none is named."""
        with self._lock:
            if who:
                self._lookers.pop(who, None)
            else:
                self._lookers.clear()

    @property
    def measuring(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None

    @property
    def is_looked_at(self) -> bool:
        """Whether some browser's word holds."""
        now = time.monotonic()
        with self._lock:
            return any(end > now for end in self._lookers.values())

    @property
    def many(self) -> bool:
        """Whether it is a table of all containers."""
        return self._only is None

    def first(self) -> None:
        """One look, without a thread."""
        self._renew()

    def end_unseen(self) -> None:
        """Where the one container has ended while nobody looked, that is all that there will be to see of it."""
        if self._only is None or self.measuring or self.finished or self._only.state().runs:
            return
        self._renew()
        self.finished = True
        self._when_over()

    def whole(self) -> dict[str, Any]:
        """Everything, for a browser that begins to look."""
        return {"kind": "whole", "series": [series.whole() for series in list(self.series.values())]}

    def _run(self) -> None:
        try:
            while self._look_on():
                time.sleep(_TOGETHER)  # a reset is not held up by a store that is made anew while it removes the old
        except (Error, OSError) as error:
            self._tell({"kind": "problem", "words": on_one_line(str(error))})
        finally:
            self._leave()

    def _look_on(self) -> bool:
        """Measure until nobody looks or all is over; whether the store itself went before that."""
        watch = Watch(self._engine)
        try:
            for series in self.series.values():
                series.gap()
            self._measure(watch)
            return watch.broken
        finally:
            watch.close()

    def _leave(self) -> None:
        with self._lock:
            if self._thread is threading.current_thread():  # else a look has come since, and has started the next one
                self._thread = None

    def _measure(self, watch: Watch) -> None:
        changed, due = True, time.monotonic() + PERIOD
        poll = select.poll()
        poll.register(watch.fileno(), select.POLLIN)
        while self._wanted():
            if changed:
                watch.drain()
                if watch.broken:
                    return
                self._renew()
                watch.live([series.container for series in self.series.values() if not series.ended])
                self._tell(self.whole())
                if self._over():
                    self.finished = True
                    self._when_over()
                    return
            elif time.monotonic() >= due:
                self._take_points()
                due = max(due + PERIOD, time.monotonic())
            changed = bool(poll.poll(max(0.0, due - time.monotonic()) * 1000))

    def _wanted(self) -> bool:
        """Whether somebody looks; if not, the thread is gone as of now, and the next look starts another."""
        now = time.monotonic()
        with self._lock:
            least = now + LEASE if self._busy() else 0.0
            self._lookers = {who: max(end, least) for who, end in self._lookers.items() if max(end, least) > now}
            if not self._lookers:
                self._thread = None
            return bool(self._lookers)

    def _over(self) -> bool:
        """The one container that is drawn has ended: there is nothing more to measure."""
        return self._only is not None and all(series.ended for series in self.series.values())

    def _renew(self) -> None:
        """Which containers there are now: new ones begin, ended ones end."""
        if self._only is not None:
            running = [self._only]
        else:
            running = self._engine.containers()
        known = {series.id for series in self.series.values() if not series.ended}
        fresh = [container for container in running if container.id not in known]
        found = {reading.container.id: reading for reading in readings(fresh)}
        now: dict[str, Series] = {}
        for container in running:
            series = Series(found[container.id]) if container.id in found else self.series[container.id]
            series.called(self._name_of(container))
            if not series.ended and not container.state().runs:
                series.end(_ending(container))
            now[container.id] = series
        self.series = now

    def _name_of(self, container: Container) -> str:
        """Now: a container that somebody holds keeps the name that it had when it was got."""
        if self._only is not None:
            try:
                return self._engine.get(container.id).name
            except Error:
                pass  # it was removed
        return container.name

    def _take_points(self) -> None:
        when = time.time()
        from_proc = [
            series.container for series in self.series.values() if series.counted_by == PROC and not series.ended
        ]
        by_proc = {reading.container.id: reading for reading in readings(from_proc)} if from_proc else {}
        points = {}
        for series in self.series.values():
            if series.ended:
                continue
            reading = by_proc.get(series.id)
            if reading is not None:
                series.add(when, reading.cpu_usec, reading.memory, reading.pids_current)
            elif series.meter is not None:
                try:
                    found = series.meter.read()
                except ProcessLookupError:
                    continue  # it has just ended, which the watch is about to tell
                series.add(when, found.get("cpu"), found.get("memory"), found.get("pids"))
            points[series.id] = series.points[-1] if series.points else None
        self._tell({"kind": "points", "points": points})


def _ending(container: Container) -> str:
    """How it ended, in words that stay true."""
    try:
        state = container.state()
    except (Error, OSError):
        return "removed"
    if state.exit_code is not None and not state.runs:
        return f"ended with exit code {state.exit_code}" + (", out of memory" if state.oom_killed else "")
    # With --rm nothing is left that could say how it ended.
    return "removed" if state.status in ("running", "paused", "created") else state.status
