"""Capabilities: capabilities(7), capset(2)."""

from __future__ import annotations

import ctypes

from ipycontainer.errors import KernelError, OptionError
from ipycontainer.linux import prctl
from ipycontainer.linux.capability_names import NAMES
from ipycontainer.linux.syscalls import syscall

_VERSION_3 = 0x20080522


def number_of(name: str) -> int:
    """The number of `CAP_CHOWN`, `CHOWN` or `chown`.  Raises OptionError for a name that Linux does not have."""
    plain = name.upper().removeprefix("CAP_")
    if plain not in NAMES:
        raise OptionError(f"unknown capability {name!r}; capabilities(7) lists them, ALL means all")
    return NAMES.index(plain)


def last() -> int:
    """The highest capability that this kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def effective(status: str) -> int:
    """The effective set, as bits, from the text of a /proc/PID/status."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    raise ValueError("no CapEff line")


def bits(names: tuple[str, ...] | list[str]) -> int:
    """The set of `names` as bits."""
    total = 0
    for name in names:
        total |= 1 << number_of(name)
    return total


def limit_bounding(keep: int, highest: int) -> None:
    """Drop everything that is not in `keep` from the bounding set; what is gone already is no error."""
    for capability in range(highest + 1):
        if not keep >> capability & 1:
            prctl.drop_bounding(capability)


def set_all(effective_set: int, permitted: int, inheritable: int) -> None:
    """Set this thread's three sets.  capset(2), version 3."""
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    low, high = 0xFFFFFFFF, 32
    data = (ctypes.c_uint32 * 6)(
        effective_set & low,
        permitted & low,
        inheritable & low,
        effective_set >> high,
        permitted >> high,
        inheritable >> high,
    )
    syscall("capset", header, data)


def permitted() -> int:
    """This thread's permitted set, as bits.  capget(2)."""
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()
    syscall("capget", header, data)
    return data[1] | data[4] << 32


def has(name: str) -> bool:
    """Whether this thread may use capability `name` now."""
    try:
        with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
            return bool(effective(file.read()) >> number_of(name) & 1)
    except OSError as error:
        raise KernelError("open", error.errno or 0, "/proc/self/status") from None
