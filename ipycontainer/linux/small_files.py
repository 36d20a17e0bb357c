"""Files that are read whole, many of them in one look: without the buffers of a file object, which cost more."""

from __future__ import annotations

import os

_PIECE = 1 << 16


def read(path: str) -> bytes:
    """All of the file.  Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return read_open(descriptor)
    finally:
        os.close(descriptor)


def read_open(descriptor: int) -> bytes:
    """The rest of an open regular file; a read that gives less than it may has come to the end.  read(2)."""
    raw = piece = os.read(descriptor, _PIECE)
    while len(piece) == _PIECE:
        piece = os.read(descriptor, _PIECE)
        raw += piece
    return raw
