"""How a container is, read from its files by whoever asks; nothing is written and nothing is started."""

from __future__ import annotations

import os

from ipycontainer.json_text import loads
from ipycontainer.launcher import alive
from ipycontainer.linux import small_files
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CREATED, RUNNING, PAUSED, RESTARTING, EXITED = "created", "running", "paused", "restarting", "exited"
UNKNOWN = "unknown"
STATUSES = CREATED, RUNNING, PAUSED, RESTARTING, EXITED, UNKNOWN

# In the run folder: it may stand still (inside/freezer.py); locked: whoever ends it will start it again.
PAUSED_MARK, RESTART_LOCK = "paused", "restarting"
# In the run folder: whoever ends it removes it next, and how it ended need not survive a power cut (inside/remove.py).
UNWANTED_MARK = "unwanted"
# In the run folder, and after an end beside the record: what the health check found (inside/probe.py).
HEALTH = "health"


class State(Record):
    """A container's state at one moment.

    status: created, running, paused, restarting (it has ended, and its monitor waits before it starts it again),
    exited, or unknown: its monitor was killed (or the machine went down), so its exit is not known, and is not
    invented.  One whose starts have all failed is created, and has an exit_code and an error.
    Times are seconds since the epoch, 0 for never; pid and monitor are 0 unless it runs or is paused;
    exit_code is None unless it has ended.  restarts: how often its policy started it again.
    """

    status: str
    pid: int = 0
    monitor: int = 0
    started: float = 0.0
    finished: float = 0.0
    exit_code: int | None = None
    oom_killed: bool = False
    error: str = ""
    cgroups: tuple[str, ...] = ()
    restarts: int = 0

    @property
    def runs(self) -> bool:
        """docker's Running: it has processes, or will have them again if nobody stops it."""
        return self.status in (RUNNING, PAUSED, RESTARTING)


def read_state(folder: str, run: str, seen: tuple[bool, dict[str, Any]] | None = None) -> State:
    """The state of the container with these folders in the store and in the run folder.

    seen: what `alive.look` has just found there, where somebody has looked already.
    """
    try:
        return _state(folder, run, *(seen or alive.look(run)))
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return State(UNKNOWN, error=_DAMAGED)


def _state(folder: str, run: str, held: bool, state: dict[str, Any]) -> State:
    # A sweep holds the lock too, and says so: what it sweeps is dead.
    lives = held and "sweeping" not in state
    if lives and "runs" in state and "ends" not in state:
        return _running(run, state)  # the lasting record has nothing to add
    life = _read(f"{folder}/life.json")
    if life is None:
        # With --rm there is no lasting record: whether it lives or died is told by its run folder alone.
        if state and lives and os.path.isdir(folder):
            return _running(run, state)
        # Others take the lock of what was never started too: a copy into it, a sweep.
        was_started = ("remove" in state or "pid" in state) and os.path.isdir(folder)
        return State(UNKNOWN, error=_UNKNOWN) if was_started else State(CREATED)
    started, restarts = float(life["started"]), int(life.get("restarts", 0))
    if life.get("first") and "finished" in life:
        return State(CREATED, exit_code=int(life["exit_code"]), error=str(life["error"]))
    if "finished" in life:
        return State(
            RESTARTING if lives and life.get("restarting") else EXITED,
            monitor=int(state.get("monitor", 0)) if lives and life.get("restarting") else 0,
            restarts=restarts,
            started=started,
            finished=float(life["finished"]),
            exit_code=int(life["exit_code"]),
            oom_killed=bool(life["oom_killed"]),
            error=str(life["error"]),
        )
    if not lives:
        now = alive.look(run)
        if now != (held, state):
            return _state(folder, run, *now)  # somebody has started it between the two looks, or has just ended
        return State(UNKNOWN, started=started, error=_UNKNOWN, restarts=restarts)
    return _running(run, state, started, restarts)


_UNKNOWN = "exit unknown: the monitor was killed"
_DAMAGED = "exit unknown: its record is damaged"


def _running(run: str, state: dict[str, Any], started: float = 0.0, restarts: int = 0) -> State:
    return State(
        PAUSED if os.path.exists(f"{run}/{PAUSED_MARK}") and _stands_still(state) else RUNNING,
        pid=int(state.get("pid", 0)),
        monitor=int(state.get("monitor", 0)),
        started=float(state.get("started", started)),
        cgroups=tuple(state.get("cgroups", ())),
        restarts=int(state.get("restarts", restarts)),
    )


def _stands_still(state: dict[str, Any]) -> bool:
    from ipycontainer.linux.cgroups import is_frozen

    return is_frozen(state.get("cgroups", ()))


def _read(path: str) -> dict[str, Any] | None:
    """A small document, or None where there is none; a rename is what makes it whole."""
    try:
        raw = small_files.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    # The start's record is made durable a moment after it has its name (runtime/inside/life): a power cut in
    # that moment leaves the name without the content.  What it says then is that a start had begun.
    found: dict[str, Any] = loads(raw) if raw else {"started": 0.0}
    return found
