"""The store's journal of events, for those who write to it inside: monitors and jobs (engine/events.py reads it).

ROOT/events     the last ones.  Appended to by whoever does what they tell of, here and in engine/events.py.
ROOT/events.1   those before; the same file, set aside by whoever's line brought it over the bound (linux/rotation.py,
                which says what kill -9 leaves).
"""

from __future__ import annotations

import time

from ipycontainer.json_text import dumps
from ipycontainer.launcher import folders
from ipycontainer.linux import rotation

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
        rotation.append(journal, text, folders.EVENTS_BOUND)
    except OSError:
        pass
