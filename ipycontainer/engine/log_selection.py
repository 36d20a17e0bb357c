"""Which lines of a log are asked for: the last ones, those from or up to a time."""

from __future__ import annotations

import time

from ipycontainer.engine.streams import Stream
from ipycontainer.runtime.log_follower import LogFollower
from ipycontainer.runtime.log_reader import count_lines, read_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipycontainer.runtime.log_reader import LogEntry


def select(folder: str, tail: int | None, since: float | None, until: float | None) -> Iterator[LogEntry]:
    """The entries of the log in `folder` that are there now."""
    for entry in read_entries(folder, _skipped(folder, tail)):
        if until is not None and entry.time > until:
            return
        if since is None or entry.time >= since:
            yield entry


def _skipped(folder: str, tail: int | None) -> int:
    return 0 if tail is None else max(count_lines(folder) - tail, 0)


class LogStream(Stream):
    """A container's lines (LogEntry) as they come, until it has ended."""

    if TYPE_CHECKING:

        def __iter__(self) -> LogStream: ...
        def __next__(self) -> LogEntry: ...
        def __aiter__(self) -> LogStream: ...
        async def __anext__(self) -> LogEntry: ...


def follow(
    folder: str, run: str, tail: int | None, since: float | None, until: float | None, timeout: float | None
) -> LogStream:
    """The same, and those to come; tail counts only what is there at the beginning."""
    return LogStream(_Selected(LogFollower(folder, run, _skipped(folder, tail)), since, until), timeout)


class _Selected:
    """The lines of a follower between two moments."""

    def __init__(self, follower: LogFollower, since: float | None, until: float | None) -> None:
        self._follower, self._since, self._until = follower, since, until
        self._is_past = False

    @property
    def ended(self) -> bool:
        late = self._until is not None and time.time() > self._until
        return self._follower.ended or late or self._is_past

    def take(self) -> list[LogEntry]:
        found = []
        for entry in self._follower.take():
            if self._until is not None and entry.time > self._until:
                self._is_past = True
            elif self._since is None or entry.time >= self._since:
                found.append(entry)
        return found

    def descriptors(self) -> list[int]:
        return self._follower.descriptors()

    @property
    def patience(self) -> float | None:
        if self._until is None:
            return self._follower.patience
        left = max(self._until - time.time(), 0.0) + 0.001
        return left if self._follower.patience is None else min(left, self._follower.patience)

    def close(self) -> None:
        self._follower.close()
