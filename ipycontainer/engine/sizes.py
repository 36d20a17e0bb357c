"""Sizes as people write them."""

from __future__ import annotations

_BINARY = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


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
    if size < 0 or size != size or any(letter not in "0123456789." for letter in number):
        raise ValueError(f"invalid size: '{text}'")
    if suffix not in ("", "b"):
        if suffix[0] not in _BINARY or suffix[1:] not in ("", "b", "ib"):
            raise ValueError(f"invalid suffix: '{suffix}'")
        size *= _BINARY[suffix[0]]
    if size >= 2**63:
        raise ValueError(f"invalid size: '{text}'")
    return int(size)
