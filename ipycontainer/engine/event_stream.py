"""What happens in a store, as it happens."""

from __future__ import annotations

from ipycontainer.engine.events import JournalSource, check_filters, matches
from ipycontainer.engine.streams import Stream
from ipycontainer.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.engine.events import Event


class EventStream(Stream):
    """Events, one after the other; without an end unless `until` was given."""

    if TYPE_CHECKING:

        def __iter__(self) -> EventStream: ...
        def __next__(self) -> Event: ...
        def __aiter__(self) -> EventStream: ...
        async def __anext__(self) -> Event: ...


def stream(
    path: str,
    since: float | None,
    until: float | None,
    follow: bool,
    filters: Sequence[tuple[str, str]],
    timeout: float | None,
) -> EventStream:
    """The events of the journal at `path`.  Raises InputError for what is no filter, and for a time that never was."""
    check_filters(filters)
    if since is not None and until is not None and since > until:
        raise InputError(f"`since` time ({since:.0f}) cannot be after `until` time ({until:.0f})")
    if not follow and since is None:
        since = 0.0
    return EventStream(_Filtered(path, since, until, follow, filters), timeout)


class _Filtered(JournalSource):
    """Those that match docker's --filter."""

    def __init__(
        self, path: str, since: float | None, until: float | None, follow: bool, filters: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__(path, since, until, follow)
        self._filters = filters

    def take(self) -> list[Event]:
        while found := super().take():
            if fitting := [event for event in found if matches(event, self._filters)]:
                return fitting
        return []
