"""The journal of what happened: one JSON line each, appended by whoever did it."""

from __future__ import annotations

import os
import time

from ipycontainer.errors import InputError, KernelError
from ipycontainer.json_text import dumps, loads
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
        """Add one line, in one write, so that writers never mix."""
        event = Event(time.time(), kind, action, identity, attributes)
        line = dumps(event.as_dict()).encode() + b"\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def read(self, since: float = 0.0, until: float | None = None) -> Iterator[Event]:
        """The events that are there, from `since` on and up to `until`."""
        source = JournalSource(self.path, since, until, follow=False)
        try:
            while found := source.take():
                yield from found
        finally:
            source.close()

    def exit_code(self, container: str) -> int | None:
        """How a container that is gone (--rm) ended; None if the journal does not say."""
        last = None
        for event in self.read():
            if event.id == container and event.action == "die":
                code = event.attributes.get("exitCode", "")
                last = int(code) if isinstance(code, str) and code.isascii() and code.isdecimal() else None
        return last


class JournalSource:
    """Events of the journal at `path` from `since` on (None: from now), up to `until` (None: for ever)."""

    def __init__(self, path: str, since: float | None, until: float | None, follow: bool) -> None:
        self._path, self._until, self._follows = path, until, follow
        self._since = time.time() if since is None else since
        self._rest = b""
        self._inotify: Inotify | None = None
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if since is None:
            os.lseek(self._descriptor, 0, os.SEEK_END)
        if follow:
            self._watch()

    def _watch(self) -> None:
        from ipycontainer.linux.inotify import MODIFY, Inotify

        try:
            self._inotify = Inotify()
            self._inotify.add(self._path, MODIFY)
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
        while data := os.read(self._descriptor, 1 << 16):
            *lines, self._rest = (self._rest + data).split(b"\n")
            found = [event for line in lines if (event := _parse(line)) is not None and self._is_asked_for(event)]
            if found:
                return found
        return []

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
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _parse(line: bytes) -> Event | None:
    """A line, or None for one that a power cut left half."""
    try:
        event = Event.from_dict(loads(line))
    except (ValueError, TypeError, AttributeError):
        return None
    words = (event.type, event.action, event.id)
    whole = isinstance(event.time, (int, float)) and all(isinstance(word, str) for word in words)
    return event if whole and isinstance(event.attributes, dict) else None


FILTERS = ("container", "event", "image", "label", "type", "volume")


def check_filters(filters: Sequence[tuple[str, str]]) -> None:
    """Raises InputError for what is no filter of events."""
    for name, _value in filters:
        if name not in FILTERS:
            raise InputError(f"invalid filter '{name}'; there are {', '.join(FILTERS)}")


def matches(event: Event, filters: Sequence[tuple[str, str]]) -> bool:
    """docker's --filter: one of the values for each name."""
    names = {name for name, _ in filters}
    return all(any(_fits(event, name, value) for key, value in filters if key == name) for name in names)


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
        return event.type == "container" and (event.id.startswith(value) or attributes.get("name") == value)
    if name == "volume":
        return event.type == "volume" and event.id == value
    if name == "image":
        image = attributes.get("name" if event.type == "image" else "image", "")
        return value in (event.id, image, _without_tag(image)) or value == f"{image}:latest"
    from ipycontainer.engine.selection import labelled

    return labelled(attributes, value)
