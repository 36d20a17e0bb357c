"""What a prune's filters select: until, label, label!."""

from __future__ import annotations

import time

from ipycontainer.engine.selection import labelled
from ipycontainer.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_TRUE, _FALSE = ("1", "true"), ("0", "false")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def check_filters(filters: Sequence[tuple[str, str]], known: Sequence[str]) -> None:
    """Raises InputError for one that is not `known`, or an until that is no moment."""
    for key, value in filters:
        if key not in known:
            raise InputError(f"Invalid filter '{key}'; there are {', '.join(known)}")
        if key == "until":
            moment(value)


def volume_filters(filters: Sequence[tuple[str, str]]) -> bool:
    """Whether they ask for `all` volumes.  Raises InputError for what is none."""
    check_filters(filters, ("label", "label!", "all"))
    found = [value for key, value in filters if key == "all"]
    for value in found:
        if value not in (*_TRUE, *_FALSE):
            raise InputError(f"Invalid filter 'all=[{value}]'; it is true or false")
    return bool(found) and found[-1] in _TRUE


def fits(created: float, labels: dict[str, str], filters: Sequence[tuple[str, str]]) -> bool:
    """Whether something made then, with these labels, is asked for: every filter must match."""
    for key, value in filters:
        if key == "until" and created > moment(value):
            return False
        if key == "label" and not labelled(labels, value):
            return False
        if key == "label!" and labelled(labels, value):
            return False
    return True


def moment(text: str) -> float:
    """A moment: seconds since the epoch, RFC 3339, or how long ago (`24h`, `1h30m`).  Raises InputError."""
    from ipycontainer.oci.image_config import seconds

    if text.isdecimal():
        return float(text)
    if text[-1:] in _UNITS and text[:-1].replace(".", "", 1).isdigit():
        return time.time() - float(text[:-1]) * _UNITS[text[-1]]
    found = seconds(text) if "T" in text else _ago(text)
    if not found:
        raise InputError(f"invalid filter 'until={text}'; write 24h, or 2026-01-31T00:00:00Z")
    return found


def _ago(text: str) -> float:
    """`1h30m`; 0 for what is none."""
    left, number = 0.0, ""
    for letter in text:
        if letter.isdigit() or letter == ".":
            number += letter
        elif letter in _UNITS and number.replace(".", "", 1).isdigit():
            left, number = left + float(number) * _UNITS[letter], ""
        else:
            return 0.0
    return 0.0 if number or not text else time.time() - left
