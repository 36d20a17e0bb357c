"""docker's health check as a clock sees it: when the next probe is due, and what their exit codes make of the status.

Nothing is run here and no clock is read: whoever runs the probes (probe.py) says what time it is.
"""

from __future__ import annotations

from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"

# docker's, where nothing is asked for; seconds.
INTERVAL, TIMEOUT, START_INTERVAL, RETRIES = 30.0, 30.0, 5.0, 3
KEPT = 5
"""How many results docker keeps."""


class Check(Record):
    """What is run, and how often; 0 means docker's default.

    command: the program and its arguments; interval (between the end of a probe and the next), timeout, start_period
    (in which failures do not count), start_interval (the interval in it): seconds; retries: failures in a row.
    """

    command: tuple[str, ...]
    interval: float = 0.0
    timeout: float = 0.0
    start_period: float = 0.0
    start_interval: float = 0.0
    retries: int = 0

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Check:
        """What `as_dict` gave, with the defaults put in."""
        found = cls(**values)
        return found.replace(
            command=tuple(found.command),
            interval=found.interval or INTERVAL,
            timeout=found.timeout or TIMEOUT,
            start_interval=found.start_interval or START_INTERVAL,
            retries=found.retries or RETRIES,
        )


class Health:
    """The health of one container from one start to its end; `now` is a monotonic clock's seconds.

    status: starting, healthy or unhealthy; streak: failures in a row that count; is_probing: a probe runs;
    due: when the next probe is to begin, or the one that runs is to be ended.
    """

    def __init__(self, check: Check, now: float) -> None:
        self.check = check
        self.status = STARTING
        self.streak = 0
        self.is_probing = False
        self._started = self._began = now
        self.due = now + self._wait(now)

    def _starts_up(self, now: float) -> bool:
        return self.status == STARTING and now - self._started < self.check.start_period

    def _wait(self, now: float) -> float:
        return self.check.start_interval if self._starts_up(now) else self.check.interval

    def begin(self, now: float) -> None:
        """A probe begins."""
        self.is_probing, self._began = True, now
        self.due = now + self.check.timeout

    def put_off(self, now: float, least: float = 0.0) -> None:
        """Nothing may be done now, for the container stands still: a whole time limit, or interval, begins anew.

        least: seconds that it takes in any case.
        """
        self.due = now + max(self.check.timeout if self.is_probing else self._wait(now), least)

    def end(self, exit_code: int, now: float) -> bool:
        """A probe has ended, with -1 where it never ran or ran too long; whether the status is another now."""
        before = self.status
        self.is_probing = False
        if exit_code == 0:
            self.status, self.streak = HEALTHY, 0
        elif not self._starts_up(self._began):
            self.streak += 1
            if self.streak >= self.check.retries:
                self.status = UNHEALTHY
        self.due = now + self._wait(now)
        return self.status != before
