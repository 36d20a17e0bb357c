"""Which lines of a log are asked for: the last ones, those from or up to a time."""

from __future__ import annotations

import time

from ipycontainer.runtime.log_reader import count_lines, follow_entries, read_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipycontainer.runtime.log_reader import LogEntry


def select(
    folder: str, run: str, follow: bool, tail: int | None, since: float | None, until: float | None
) -> Iterator[LogEntry]:
    """The entries of the log in `folder`.  With `follow`, tail counts only what is there at the beginning."""
    skip = 0 if tail is None else max(count_lines(folder) - tail, 0)
    for entry in follow_entries(folder, run, skip) if follow else read_entries(folder, skip):
        if until is not None and entry.time > until:
            return
        if since is None or entry.time >= since:
            yield entry
        if until is not None and follow and time.time() > until:
            return
