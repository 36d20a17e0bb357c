"""Layers as plain tar, whatever they are compressed with: gzip, zstd, xz, bzip2, or nothing.

The bytes decide, not the media type: writers get that wrong.  Output comes in
bounded pieces, so that a bomb is seen while it is small.
"""

from __future__ import annotations

import os

from ipycontainer.errors import ArchiveError, InputError, Refused, TruncatedArchive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    class Readable(Protocol):
        def read(self, most: int, /) -> bytes: ...


PIECE = 1024 * 1024
_INPUT = 256 * 1024
_HARMLESS = 1024 * 1024 * 1024
_RATIO = 200
_LARGEST_WINDOW = 160 * 1024 * 1024  # zstd's own limit is 128 MiB; xz's highest preset takes 64
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
}


def compression_of(start: bytes) -> str:
    """How what starts so is compressed; "" for not at all.  Six bytes are enough."""
    for magic, name in _MAGIC.items():
        if start.startswith(magic):
            return name
    # zstd may begin with a skippable frame
    if len(start) >= 4 and start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50:
        return "zstd"
    return ""


def setting(name: str, default: int) -> int:
    """A whole number from the environment."""
    text = os.environ.get(name, "")
    if text and not text.isdigit():
        raise InputError(f"{name}={text!r} is no whole number")
    return int(text) if text else default


class Peeked:
    """A stream whose first bytes have been looked at."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.start = b""
        while len(self.start) < 6:
            more = stream.read(_INPUT)
            if not more:
                break
            self.start += more
        self._rest = self.start

    def read(self, most: int, /) -> bytes:
        """Up to `most` bytes; none at the end."""
        if self._rest:
            data, self._rest = self._rest[:most], self._rest[most:]
            return data
        return self._stream.read(most)


class _Counted:
    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.count = 0

    def read(self, most: int, /) -> bytes:
        data = self._stream.read(most)
        self.count += len(data)
        return data


def plain(stream: Readable, what: str = "the layer", ratio: int = 0) -> Iterator[bytes]:
    """The decompressed content of `stream` in pieces of at most PIECE bytes.

    ratio: how many times its size a stream of more than 1 GiB may grow (0: IPYCONTAINER_LAYER_RATIO, or 200).
    """
    ratio = ratio or setting("IPYCONTAINER_LAYER_RATIO", _RATIO)
    peeked = Peeked(stream)
    kind = compression_of(peeked.start)
    counted = _Counted(peeked)
    total = 0
    for piece in _PIECES[kind](counted, what):
        total += len(piece)
        if total > _HARMLESS and total > counted.count * ratio:
            raise ArchiveError(
                f"{what} grows to more than {ratio} times its size, as a bomb does;"
                " if that is right, set IPYCONTAINER_LAYER_RATIO"
            )
        yield piece
    while counted.read(_INPUT):  # what follows the last frame still counts for the digest
        pass


def _stored(stream: Readable, _what: str) -> Iterator[bytes]:
    while data := stream.read(PIECE):
        yield data


def _gzip(stream: Readable, what: str) -> Iterator[bytes]:
    """All members; a stream that ends within one is truncated, which zlib itself does not say."""
    library = _gzip_library()
    yield from _members(stream, what, lambda: library.decompressobj(31), library.error, b"\x1f\x8b")


def _gzip_library() -> Any:
    try:
        from isal import isal_zlib

        return isal_zlib
    except ImportError:
        import zlib

        return zlib


def gzip_compressor() -> Any:
    """Fast rather than small: a layer made here is waited for.  No name and no time, so always the same bytes."""
    return _gzip_library().compressobj(1, 8, 31)


def _xz(stream: Readable, what: str) -> Iterator[bytes]:
    """A header may ask for four gigabytes to look back into, and a few bytes then fill them."""
    import lzma

    def make() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(memlimit=_LARGEST_WINDOW)

    try:
        yield from _members(stream, what, make, lzma.LZMAError, b"\xfd7zXZ\0")
    except ArchiveError as error:
        if "Memory usage limit" not in str(error):
            raise
        raise ArchiveError(
            f"{what} would take more than {_LARGEST_WINDOW >> 20} MiB of memory to decompress; compress it anew, as"
            " `xz -9` does with 65"
        ) from None


def _bzip2(stream: Readable, what: str) -> Iterator[bytes]:
    import bz2

    yield from _members(stream, what, bz2.BZ2Decompressor, OSError, b"BZh")


def _members(stream: Readable, what: str, make: Any, errors: type[Exception], magic: bytes) -> Iterator[bytes]:
    data = stream.read(_INPUT)
    while data:
        member = make()
        while not member.eof:
            if not data and getattr(member, "needs_input", True):
                data = stream.read(_INPUT)
                if not data:
                    raise TruncatedArchive(f"{what} is cut off: its compressed data ends too early; get it again")
            try:
                piece = member.decompress(data, PIECE)
            except errors as error:
                raise ArchiveError(f"{what} is damaged: {error}") from None
            # zlib hands back what it had no room for; the others keep it themselves.
            data = getattr(member, "unconsumed_tail", b"")
            if piece:
                yield piece
        data = member.unused_data
        while not data.strip(b"\0"):  # some writers fill up to a whole block
            data = stream.read(_INPUT)
            if not data:
                return
        data = data.lstrip(b"\0")
        while len(data) < len(magic):
            more = stream.read(_INPUT)
            if not more:
                break
            data += more
        if not data.startswith(magic):
            raise ArchiveError(f"{what} has something after its compressed data that is none of it")


def _zstd(stream: Readable, what: str) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise Refused(f"{what} is compressed with zstd; install the package zstandard to read it") from None
    source: Any = stream  # it asks for read() alone
    reader = zstandard.ZstdDecompressor().stream_reader(source, read_size=_INPUT, read_across_frames=True)
    try:
        while piece := reader.read(PIECE):
            yield piece
    except zstandard.ZstdError as error:
        raise ArchiveError(f"{what} is damaged: {error}") from None


_PIECES = {"": _stored, "gzip": _gzip, "zstd": _zstd, "xz": _xz, "bzip2": _bzip2}
