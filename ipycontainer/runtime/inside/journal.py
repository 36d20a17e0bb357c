"""The store's journal of events, for those who write to it inside: monitors and jobs (engine/events.py reads it)."""

from __future__ import annotations

import os
import time

from ipycontainer.json_text import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Entry = tuple[str, str, str, dict[str, str]]


def text_of(events: Iterable[Entry]) -> bytes:
    """Their lines, of this moment."""
    lines = [
        dumps({"time": time.time(), "type": kind, "action": action, "id": identity, "attributes": attributes})
        for kind, action, identity, attributes in events
    ]
    return "\n".join([*lines, ""]).encode() if lines else b""


def append(journal: str, events: Iterable[Entry]) -> None:
    """Add a line for each event (type, action, id, attributes), all in one write, so that writers never mix.

    A full disk loses the events, and nothing of what they tell of.
    """
    text = text_of(events)
    if not text:
        return
    try:
        descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    try:
        os.write(descriptor, text)
    except OSError:
        pass
    finally:
        os.close(descriptor)
