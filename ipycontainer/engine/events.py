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

    def read(self, since: float | None = None, until: float | None = None, follow: bool = True) -> Iterator[Event]:
        """Events from `since` on (None: from now), up to `until` (None: for ever while following)."""
        now = time.time()
        start = since if since is not None else (now if follow else 0.0)
        rest, waiting = b"", None
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if since is None and follow:
                os.lseek(descriptor, 0, os.SEEK_END)
            while True:
                data = os.read(descriptor, 1 << 16)
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    event = _parse(line)
                    if event is not None and event.time >= start and (until is None or event.time <= until):
                        yield event
                if data:
                    continue
                if not follow or (until is not None and time.time() >= until):
                    return
                if waiting is None:
                    waiting = _Waiting(self.path)  # and look once more: what came before it was not told
                else:
                    waiting.wait(None if until is None else until - time.time())
        finally:
            os.close(descriptor)
            if waiting is not None:
                waiting.close()

    def exit_code(self, container: str) -> int | None:
        """How a container that is gone (--rm) ended; None if the journal does not say."""
        last = None
        for event in self.read(since=0.0, follow=False):
            if event.id == container and event.action == "die":
                code = event.attributes.get("exitCode", "")
                last = int(code) if isinstance(code, str) and code.isascii() and code.isdecimal() else None
        return last


class _Waiting:
    """Until the journal at `path` grows, told by the kernel; where the user's watches are used up, by looking again."""

    def __init__(self, path: str) -> None:
        import select

        from ipycontainer.linux import inotify

        self._poll = select.poll()
        self._inotify = None
        try:
            self._inotify = inotify.Inotify()
            self._inotify.add(path, inotify.MODIFY)
            self._poll.register(self._inotify, select.POLLIN)
        except KernelError:
            self.close()

    def wait(self, seconds: float | None) -> None:
        """At most `seconds`."""
        limit = 3600.0 if seconds is None else max(seconds, 0.0)
        if self._inotify is None:
            time.sleep(min(limit, 0.05))
            return
        self._poll.poll(limit * 1000)
        self._inotify.read()

    def close(self) -> None:
        """End the watch."""
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None


def _parse(line: bytes) -> Event | None:
    """A line, or None for one that a power cut left half."""
    try:
        event = Event.from_dict(loads(line))
    except (ValueError, TypeError, AttributeError):
        return None
    words = (event.type, event.action, event.id)
    whole = isinstance(event.time, (int, float)) and all(isinstance(word, str) for word in words)
    return event if whole and isinstance(event.attributes, dict) else None


FILTERS = ("container", "event", "image", "label", "type")


def check_filters(filters: Sequence[tuple[str, str]]) -> None:
    """Raises InputError for what is no filter of events."""
    for name, _value in filters:
        if name not in FILTERS:
            raise InputError(f"invalid filter '{name}'; there are {', '.join(FILTERS)}")


def matches(event: Event, filters: Sequence[tuple[str, str]]) -> bool:
    """docker's --filter: one of the values for each name."""
    names = {name for name, _ in filters}
    return all(any(_fits(event, name, value) for key, value in filters if key == name) for name in names)


def _fits(event: Event, name: str, value: str) -> bool:
    attributes = event.attributes
    if name == "event":
        return event.action == value or event.action.startswith(value + ":")
    if name == "type":
        return event.type == value
    if name == "container":
        return event.type == "container" and (event.id.startswith(value) or attributes.get("name") == value)
    if name == "image":
        image = attributes.get("name" if event.type == "image" else "image", "")
        return value in (event.id, image, image.removesuffix(":latest"))
    from ipycontainer.engine.selection import labelled

    return labelled(attributes, value)
