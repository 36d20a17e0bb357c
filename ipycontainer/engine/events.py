"""The journal of what happened: one JSON line each, appended by whoever did it (runtime/inside/journal.py)."""

from __future__ import annotations

import os
import time

from ipycontainer.errors import InputError, KernelError, StoreUnwritable
from ipycontainer.json_text import dumps, loads
from ipycontainer.launcher import folders
from ipycontainer.linux import durability, rotation
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ipycontainer.linux.inotify import Inotify


class Event(Record):
    """One thing that happened: when (seconds since the epoch), to what kind of thing, what, to which, details."""

    time: float
    type: str
    action: str
    id: str
    attributes: dict[str, str]


class Journal:
    """The journal at `path`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def append(self, kind: str, action: str, identity: str, attributes: dict[str, str]) -> None:
        """Add one line; a full disk loses it, and nothing of what it tells of.  Raises StoreUnwritable."""
        event = Event(time.time(), kind, action, identity, attributes)
        try:
            rotation.append(self.path, dumps(event.as_dict()).encode() + b"\n", folders.EVENTS_BOUND)
        except OSError as error:
            if not durability.is_full(error):
                raise StoreUnwritable(f"cannot write {self.path}: {error.strerror}; whose is the store?") from None

    def read(self, since: float = 0.0, until: float | None = None, mention: bytes = b"") -> Iterator[Event]:
        """The events that are there, from `since` on and up to `until`; only of lines that `mention` it."""
        source = JournalSource(self.path, since, until, follow=False, mention=mention)
        try:
            while found := source.take():
                yield from found
        finally:
            source.close()

    def exit_code(self, container: str) -> int | None:
        """How a container that is gone (--rm) ended; None if the journal does not say."""
        last = None
        for event in self.read(mention=container.encode()):
            if event.id == container and event.action == "die":
                code = event.attributes.get("exitCode", "")
                last = int(code) if isinstance(code, str) and code.isascii() and code.isdecimal() else None
        return last


class JournalSource:
    """Events of the journal at `path` from `since` on, up to `until` (None: for ever).

    since: None for what is written from now on, whatever the clock says then: it may be set back.
    """

    def __init__(self, path: str, since: float | None, until: float | None, follow: bool, mention: bytes = b"") -> None:
        self._path, self._until, self._follows, self._mention = path, until, follow, mention
        self._since = since or 0.0
        self._rest = b""
        self._inotify: Inotify | None = None
        self._reader = rotation.Reader(path, since)
        if follow:
            self._watch()

    def _watch(self) -> None:
        from ipycontainer.linux.inotify import CREATE, MODIFY, Inotify

        try:
            self._inotify = Inotify()
            # The folder: a watch on the file would go with it when it is set aside.
            self._inotify.add(os.path.dirname(self._path) or ".", CREATE | MODIFY)
        except KernelError:
            self._stop_watching()

    def _stop_watching(self) -> None:
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    @property
    def ended(self) -> bool:
        """Whether the last moment that is asked for is over."""
        return not self._follows or (self._until is not None and time.time() >= self._until)

    def take(self) -> list[Event]:
        """The events that came; [] when there are no more now."""
        if self._inotify is not None:
            self._inotify.read()  # first: what comes from here on is told anew
        while data := self._next():
            *lines, self._rest = (self._rest + data).split(b"\n")
            told = (_parse(line) for line in lines if self._mention in line)
            found = [event for event in told if event is not None and self._is_asked_for(event)]
            if found:
                return found
        return []

    def _next(self) -> bytes:
        data, is_new = self._reader.take(self._follows)
        if is_new:
            self._rest = b""  # half a line of a power cut, behind which the file before was set aside
        return data

    def _is_asked_for(self, event: Event) -> bool:
        return event.time >= self._since and (self._until is None or event.time <= self._until)

    def descriptors(self) -> list[int]:
        """Readable when there may be more."""
        return [] if self._inotify is None else [self._inotify.fileno()]

    @property
    def patience(self) -> float | None:
        """How long to wait at most; where the user's watches are used up one has to look."""
        unwatched = None if self._inotify is not None else 0.05
        if self._until is None:
            return unwatched
        left = max(self._until - time.time(), 0.0)
        return left if unwatched is None else min(left, unwatched)

    def close(self) -> None:
        """Give everything back; a second time changes nothing."""
        self._stop_watching()
        self._reader.close()


def _parse(line: bytes) -> Event | None:
    """A line, or None for one that a power cut left half."""
    try:
        event = Event.from_dict(loads(line))
    except (ValueError, TypeError, AttributeError):
        return None
    words = (event.type, event.action, event.id)
    whole = isinstance(event.time, (int, float)) and all(isinstance(word, str) for word in words)
    return event if whole and isinstance(event.attributes, dict) else None


FILTERS = ("container", "event", "image", "label", "scope", "type", "volume")
# docker's kinds of things that are not here: none of them is ever told of.
_OF_OTHERS = ("config", "daemon", "network", "node", "plugin", "secret", "service")


def check_filters(filters: Sequence[tuple[str, str]]) -> None:
    """Raises InputError for what is no filter of events."""
    for name, _value in filters:
        if name not in FILTERS and name not in _OF_OTHERS:
            raise InputError(f"invalid filter '{name}'; there are {', '.join(FILTERS)}")


def matches(event: Event, filters: Sequence[tuple[str, str]]) -> bool:
    """docker's --filter: one of the values for each name, of labels each.

    What names containers and volumes may be the beginning of a name, as it may be that of an id.
    """
    wanted: dict[str, list[bool]] = {}
    for name, value in filters:
        wanted.setdefault(name, []).append(_fits(event, name, value))
    return all(all(found) if name == "label" else any(found) for name, found in wanted.items())


def _without_tag(image: str) -> str:
    """docker matches an image's name with its tag and without."""
    name, colon, tag = image.rpartition(":")
    return name if colon and "/" not in tag and "@" not in name else image


def _fits(event: Event, name: str, value: str) -> bool:
    attributes = event.attributes
    if name == "event":
        return event.action == value or event.action.startswith(value + ":")
    if name == "type":
        return event.type == value
    if name == "container":
        return event.type == "container" and (
            event.id.startswith(value) or attributes.get("name", "").startswith(value)
        )
    if name == "scope":
        return value == "local"
    if name in _OF_OTHERS:
        return False
    if name == "volume":
        return event.type == "volume" and event.id.startswith(value)
    if name == "image":
        image = attributes.get("name" if event.type == "image" else "image", "")
        return value in (event.id, image, _without_tag(image)) or value == f"{image}:latest"
    from ipycontainer.engine.selection import labelled

    return labelled(attributes, value)
