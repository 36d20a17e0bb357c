"""A container's numbers read again and again: which files there are is found out once, so that a look is four reads.

No file is kept open: hundreds of containers would take all the descriptors that a notebook's kernel may have.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# v2's name, then v1's; divisors to bytes and microseconds.
_PLAIN = (
    ("memory", "memory.current", 1),
    ("memory", "memory.usage_in_bytes", 1),
    ("cpu", "cpuacct.usage", 1000),
    ("pids", "pids.current", 1),
)
_KEYED = (("cpu", "cpu.stat", b"usage_usec "), ("inactive", "memory.stat", b"inactive_file "))


class Meter:
    """The groups `leaves` of one container."""

    def __init__(self, leaves: Sequence[str]) -> None:
        self._plain = [(name, path, by) for leaf in leaves for name, file, by in _PLAIN for path in _there(leaf, file)]
        self._keyed = [
            (name, path, key)
            for leaf in leaves
            for name, file, key in _KEYED
            for path in _there(leaf, file)
            if _keyed_number(_content(path), key) is not None
        ]

    def read(self) -> dict[str, int]:
        """memory (without files that may be dropped at once), cpu (µs), pids; what is not counted is missing.

        Raises ProcessLookupError once the groups are gone.
        """
        found: dict[str, int] = {}
        try:
            for name, path, divisor in self._plain:
                found[name] = int(_content(path)) // divisor
            for name, path, key in self._keyed:
                value = _keyed_number(_content(path), key)
                if value is not None:
                    found[name] = value
        except OSError:
            raise ProcessLookupError("the groups were removed") from None  # ENOENT, or ENODEV in between
        if "memory" in found:
            found["memory"] = max(found["memory"] - found.pop("inactive", 0), 0)
        return found


def _there(leaf: str, file: str) -> Iterator[str]:
    path = f"{leaf}/{file}"
    if os.path.exists(path):
        yield path


def _content(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 16384)
    finally:
        os.close(descriptor)


def _keyed_number(text: bytes, key: bytes) -> int | None:
    """The number behind `key` at a line's beginning (v1's sums, "total_…", are other lines); None without one."""
    at = 0 if text.startswith(key) else text.find(b"\n" + key) + 1
    if at == 0 and not text.startswith(key):
        return None
    return int(text[at + len(key) :].split(b"\n", 1)[0])
