"""Where a tar archive is read from."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Source(Protocol):
        """What a reader asks for: bytes, and to go on without them."""

        def read(self, most: int) -> bytes: ...
        def skip(self, count: int) -> bool: ...


class DescriptorSource:
    """A pipe, or a file read from where its descriptor stands."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, most: int) -> bytes:
        """Up to `most` bytes; none at the end."""
        return os.read(self._descriptor, most)

    def skip(self, count: int) -> bool:
        """A pipe cannot leave anything out."""
        return False


class RegionSource:
    """A part of a file, read by position so that several readers may share one descriptor."""

    def __init__(self, descriptor: int, offset: int = 0, size: int = -1) -> None:
        self._descriptor = descriptor
        self._at = offset
        self._end = offset + size if size >= 0 else os.fstat(descriptor).st_size

    def read(self, most: int) -> bytes:
        """Up to `most` bytes; none at the end."""
        data = os.pread(self._descriptor, min(most, self._end - self._at), self._at)
        self._at += len(data)
        return data

    def skip(self, count: int) -> bool:
        """Go on `count` bytes further, if there are so many."""
        if self._at + count > self._end:
            return False
        self._at += count
        return True
