"""Sizes, durations and moments, in docker's words."""

from __future__ import annotations


def human_size(count: float, digits: int = 3) -> str:
    """Bytes in powers of 1000 with so many digits, three as `docker images` shows them.

    >>> human_size(23_400_000), human_size(999), human_size(0), human_size(68_832_000, digits=4)
    ('23.4MB', '999B', '0B', '68.83MB')
    """
    count, unit = _scaled(count, 1000, ("B", "kB", "MB", "GB", "TB", "PB"))
    return f"{count:.{digits}g}{unit}" if count < 999.5 else f"{count:.4g}{unit}"


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
