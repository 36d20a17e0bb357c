"""Durations as Go reads them, and the moments that docker's options and filters name by them."""

from __future__ import annotations

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration_seconds(text: str) -> float:
    """`1m30s`, `1.5h`, `100ms` in seconds.

    >>> duration_seconds("1m30s"), duration_seconds("-1.5h"), duration_seconds("0")
    (90.0, -5400.0, 0.0)
    """
    sign = -1.0 if text.startswith("-") else 1.0
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0.0
    total = 0.0
    while rest:
        at = 0
        while at < len(rest) and rest[at] in "0123456789.":
            at += 1
        number, rest = rest[:at], rest[at:]
        at = 0
        while at < len(rest) and rest[at] not in "0123456789.":
            at += 1
        unit, rest = rest[:at], rest[at:]
        if number.count(".") > 1 or number in ("", ".") or (unit and unit not in _SECONDS):
            raise ValueError(f"{text!r} is no duration like 1m30s")
        if not unit:
            raise ValueError(f"a unit (ms, s, m, h) is missing in {text!r}")
        total += float(number) * _SECONDS[unit]
    if not total and not any(digit in text for digit in "0"):
        raise ValueError(f"{text!r} is no duration like 1m30s")
    return sign * total


def moment(text: str, now: float) -> float:
    """A moment as seconds since 1970: `1700000000.5`, `2024-01-02T03:04:05Z`, or `42m` before `now`.

    A date without a zone is local time, as in docker.
    """
    if text and all(character in "0123456789." for character in text) and text.count(".") < 2 and text[0] != ".":
        return float(text)
    try:
        return now - duration_seconds(text)
    except ValueError:
        pass
    from datetime import datetime

    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise ValueError(f"{text!r} is neither a date, nor seconds since 1970, nor a duration like 42m") from None
