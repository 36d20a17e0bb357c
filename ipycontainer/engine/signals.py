"""Signals by docker's names."""

from __future__ import annotations

import _signal

from ipycontainer.errors import InputError

_REAL_TIME = {"SIGRTMIN+": (34, 1, 15), "SIGRTMAX-": (64, -1, 14)}  # as the C library counts them


def number_of(signal: str | int) -> int:
    """The number of `9`, `KILL`, `SIGKILL`, `sigkill` or `RTMIN+3`.  Raises InputError for what is none."""
    if isinstance(signal, int) or str(signal).isdecimal():
        number = int(signal)
        if 0 < number < 65:
            return number
    else:
        name = "SIG" + str(signal).upper().removeprefix("SIG")
        found = getattr(_signal, name, None)
        if isinstance(found, int) and not name.startswith("SIG_"):
            return int(found)
        first, direction, most = _REAL_TIME.get(name[:9], (0, 0, 0))
        distance = name[9:]
        if distance in map(str, range(1, most + 1)):
            return first + direction * int(distance)
    raise InputError(f"Invalid signal: {signal}; signal(7) lists them")
