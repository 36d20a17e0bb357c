"""How a container is, read from its files by whoever asks; nothing is written and nothing is started."""

from __future__ import annotations

import os

from ipycontainer.json_text import loads
from ipycontainer.launcher import alive
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STATUSES = CREATED, RUNNING, PAUSED, EXITED, UNKNOWN = "created", "running", "paused", "exited", "unknown"

# In the run folder: it may stand still (inside/freezer.py); locked: whoever ends it will start it again.
PAUSED_MARK, RESTARTING = "paused", "restarting"


class State(Record):
    """A container's state at one moment.

    status: created, running, paused, exited, or unknown: its monitor was killed (or the machine went down), so its
    exit is not known, and is not invented.  Times are seconds since the epoch, 0 for never; pid and monitor
    are 0 unless it runs or is paused; exit_code is None unless exited.
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

    @property
    def runs(self) -> bool:
        """Whether it has processes: running or paused."""
        return self.status in (RUNNING, PAUSED)


def read_state(folder: str, run: str) -> State:
    """The state of the container with these folders in the store and in the run folder."""
    try:
        return _state(folder, run)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return State(UNKNOWN, error=_DAMAGED)


def _state(folder: str, run: str) -> State:
    life = _read(os.path.join(folder, "life.json"))
    state = alive.read(run)
    # A sweep holds the lock too, and says so: what it sweeps is dead.
    lives = "sweeping" not in state and alive.is_alive(run)
    if life is None:
        # With --rm there is no lasting record: whether it lives or died is told by its run folder alone.
        if not state or not os.path.isdir(folder):
            return State(CREATED)
        return _running(run, state) if lives else State(UNKNOWN, error=_UNKNOWN)
    if not lives and "finished" not in life:
        # The monitor may have written its last word between the two looks.
        life = _read(os.path.join(folder, "life.json")) or life
    started = float(life["started"])
    if "finished" in life:
        return State(
            EXITED,
            started=started,
            finished=float(life["finished"]),
            exit_code=int(life["exit_code"]),
            oom_killed=bool(life["oom_killed"]),
            error=str(life["error"]),
        )
    return _running(run, state, started) if lives else State(UNKNOWN, started=started, error=_UNKNOWN)


_UNKNOWN = "exit unknown: the monitor was killed"
_DAMAGED = "exit unknown: its record is damaged"


def _running(run: str, state: dict[str, Any], started: float = 0.0) -> State:
    return State(
        PAUSED if os.path.exists(os.path.join(run, PAUSED_MARK)) and _stands_still(state) else RUNNING,
        pid=int(state.get("pid", 0)),
        monitor=int(state.get("monitor", 0)),
        started=float(state.get("started", started)),
        cgroups=tuple(state.get("cgroups", ())),
    )


def _stands_still(state: dict[str, Any]) -> bool:
    from ipycontainer.linux.cgroups import is_frozen

    return is_frozen(state.get("cgroups", ()))


def _read(path: str) -> dict[str, Any] | None:
    """A small document, or None where there is none; a rename is what makes it whole."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        raw = os.read(descriptor, 1 << 20)
    finally:
        os.close(descriptor)
    # The start's record is made durable a moment after it has its name (runtime/inside/life): a power cut in
    # that moment leaves the name without the content.  What it says then is that a start had begun.
    found: dict[str, Any] = loads(raw) if raw else {"started": 0.0}
    return found
