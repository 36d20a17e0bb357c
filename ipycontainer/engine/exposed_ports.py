"""--expose and an image's EXPOSE: the ports at which a program says that it listens.  They open nothing; inspect tells.

Read only where there are any.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_LARGEST = 65535


def ports(text: str) -> tuple[str, ...]:
    """`80`, `80/udp`, `80-82/tcp` -> each of them, "80/tcp".  Raises ValueError with what is wrong."""
    numbers, _, rest = text.partition("/")
    protocol = rest.partition("/")[0] or "tcp"
    if ":" in text:
        raise ValueError(f"invalid port format for --expose: {text}: it is published with -p")
    if not numbers:
        raise ValueError(f"invalid range format for --expose: {text}: write 80, 80-82 or 80/udp")
    words = numbers.split("-")[:2]
    if not all(word.isascii() and word.isdecimal() and int(word) <= _LARGEST for word in words):
        raise ValueError(f"invalid range format for --expose: {text}: a port is a number up to {_LARGEST}")
    first, last = int(words[0]), int(words[-1])
    if last < first:
        raise ValueError(f"invalid range format for --expose: {text}: {last} is before {first}")
    return tuple(f"{number}/{protocol}" for number in range(first, last + 1))


def all_exposed(asked: Iterable[str], settings: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """docker's ExposedPorts: those that were asked for and the image's, in docker's order."""
    return {name: {} for name in sorted({*asked, *(settings.get("ExposedPorts") or ())})}
