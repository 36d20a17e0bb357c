"""Signals by docker's names."""

from __future__ import annotations

import _signal

from ipycontainer.errors import InputError


def number_of(signal: str | int) -> int:
    """The number of `9`, `KILL`, `SIGKILL` or `sigkill`.  Raises InputError for what is none."""
    if isinstance(signal, int) or signal.isdecimal():
        number = int(signal)
        if 0 < number < 65:
            return number
    else:
        name = "SIG" + signal.upper().removeprefix("SIG")
        found = getattr(_signal, name, None)
        if isinstance(found, int) and not name.startswith("SIG_"):
            return int(found)
    raise InputError(f"Invalid signal: {signal}; signal(7) lists them")
