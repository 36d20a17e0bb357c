"""One thing that doctor found."""

from __future__ import annotations

from ipycontainer.record import Record


class Finding(Record):
    """name: what was looked at; found: what is so; cost: what does not work because of it; mend: what would help.

    cost and mend are empty where nothing is missing.
    """

    name: str
    ok: bool
    found: str
    cost: str = ""
    mend: str = ""


class Findings(list["Finding"]):
    """All that was looked at: a list, which a notebook shows as a table."""


def fine(name: str, found: str) -> Finding:
    """Nothing is missing here."""
    return Finding(name, True, found)
