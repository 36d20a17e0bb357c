"""Sizes, durations and moments, in docker's words."""

from __future__ import annotations

_BINARY = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

MINUTE, HOUR, DAY = 60, 3600, 86400


def size_bytes(text: str) -> int:
    """`64m`, `1.5g`, `10KiB`, `512` as bytes, in powers of 1024 as docker reads a memory limit.

    >>> size_bytes("64m"), size_bytes("1.5 GiB"), size_bytes("512b")
    (67108864, 1610612736, 512)
    """
    end = len(text)
    while end and text[end - 1] not in "0123456789. ":
        end -= 1
    number, suffix = text[:end].removesuffix(" "), text[end:].lower()
    try:
        size = float(number)
    except ValueError:
        raise ValueError(f"invalid size: '{text}'") from None
    if size < 0 or size != size or number != number.strip() or "_" in number:
        raise ValueError(f"invalid size: '{text}'")
    if suffix not in ("", "b"):
        if suffix[0] not in _BINARY or suffix[1:] not in ("", "b", "ib"):
            raise ValueError(f"invalid suffix: '{suffix}'")
        size *= _BINARY[suffix[0]]
    if size >= 2**63:
        raise ValueError(f"invalid size: '{text}'")
    return int(size)


def human_size(count: float) -> str:
    """Bytes in powers of 1000 with three digits, as `docker images` shows them.

    >>> human_size(23_400_000), human_size(999), human_size(0)
    ('23.4MB', '999B', '0B')
    """
    count, unit = _scaled(count, 1000, ("B", "kB", "MB", "GB", "TB", "PB"))
    return f"{count:.3g}{unit}" if count < 999.5 else f"{count:.4g}{unit}"


def human_binary_size(count: float) -> str:
    """Bytes in powers of 1024 with four digits: `64MiB`."""
    count, unit = _scaled(count, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"))
    return f"{count:.4g}{unit}"


def _scaled(count: float, step: int, units: tuple[str, ...]) -> tuple[float, str]:
    position = 0
    while count >= step and position < len(units) - 1:
        count /= step
        position += 1
    return count, units[position]


def human_duration(seconds: float) -> str:
    """A length of time as a person would say it.

    >>> human_duration(0.2), human_duration(70), human_duration(4000), human_duration(3 * 86400)
    ('Less than a second', 'About a minute', 'About an hour', '3 days')
    """
    whole = int(seconds)
    hours = int(seconds / HOUR + 0.5)
    if whole < 1:
        return "Less than a second"
    if whole < MINUTE:
        return _counted(whole, "second")
    if whole < 2 * MINUTE:
        return "About a minute"
    if whole < HOUR:
        return _counted(whole // MINUTE, "minute")
    if hours == 1:
        return "About an hour"
    for limit, unit_hours, unit in ((48, 1, "hour"), (336, 24, "day"), (1440, 168, "week"), (17520, 720, "month")):
        if hours < limit:
            return _counted(hours // unit_hours, unit)
    return _counted(int(seconds / HOUR) // 8760, "year")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


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


def rfc3339(when: float, digits: int = 9) -> str:
    """A moment in UTC: `2024-01-02T03:04:05.678901000Z`."""
    import time

    nanoseconds = round(when * 1e6) * 1000
    seconds, fraction = divmod(nanoseconds, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:09d}"[: digits + 1] + "Z"


def local_time(when: float) -> str:
    """A moment as docker's CreatedAt writes it: `2024-01-02 03:04:05 +0000 UTC`."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(when))
