"""Sparse files in tar archives: GNU's old type S, and the PAX versions 0.0, 0.1 and 1.0."""

from __future__ import annotations

from ipycontainer.errors import ArchiveError
from ipycontainer.images.inside.tar_entry import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_SEGMENTS = 1_000_000
_MOST_DIGITS = 20  # of 64 bits
_BLOCK = 512


def read_old_gnu(entry: Entry, header: bytes, next_block: Callable[[], bytes]) -> None:
    """Four pairs in the header, 21 in each block that follows while it says so."""
    pairs = _pairs(header[386:482])
    more = header[482] != 0
    while more:
        block = next_block()
        pairs += _pairs(block[:504])
        more = block[504] != 0
        if len(pairs) > _MOST_SEGMENTS:
            raise ArchiveError("a sparse file has too many segments")
    entry.real_size = _octal(header[483:495])
    entry.segments = pairs
    _check(entry)


def _pairs(data: bytes) -> list[tuple[int, int]]:
    found = []
    for at in range(0, len(data), 24):
        if not data[at]:
            break
        found.append((_octal(data[at : at + 12]), _octal(data[at + 12 : at + 24])))
    return found


def _octal(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    try:
        return int(digits or b"0", 8)
    except ValueError:
        raise ArchiveError("a sparse file's map is damaged") from None


def read_pax(entry: Entry, found: dict[bytes, bytes], take: Callable[[int], bytes]) -> None:
    """What the GNU.sparse records say, if there are any."""
    if found.get(b"GNU.sparse.major") == b"1":
        numbers = _numbers_before(entry, take)
        entry.segments = list(zip(numbers[::2], numbers[1::2]))
    elif b"GNU.sparse.map" in found:
        numbers = [_decimal(item) for item in found[b"GNU.sparse.map"].split(b",")]
        if len(numbers) % 2:
            raise ArchiveError("a sparse file's map is damaged")
        entry.segments = list(zip(numbers[::2], numbers[1::2]))
    else:
        return
    size = found.get(b"GNU.sparse.realsize") or found.get(b"GNU.sparse.size")
    if size is None:
        raise ArchiveError("a sparse file does not say how long it is")
    entry.real_size = _decimal(size)
    entry.name = found.get(b"GNU.sparse.name", entry.name)
    _check(entry)


def _numbers_before(entry: Entry, take: Callable[[int], bytes]) -> list[int]:
    """Version 1.0: the map stands in front of the content, one number a line, filled up to whole blocks."""
    blocks: list[bytes] = []
    lines, wanted = 0, 1
    while lines < wanted:
        block = take(_BLOCK)
        entry.size -= _BLOCK
        if not blocks:
            count, _, _ = block.partition(b"\n")
            wanted = 1 + 2 * _decimal(count)
            if wanted > 2 * _MOST_SEGMENTS:
                raise ArchiveError("a sparse file has too many segments")
        blocks.append(block)
        # Only the new block is looked through, and no further than the lines can reach: content is no map.
        lines += block.count(b"\n")
        if lines < wanted and len(blocks) * _BLOCK > wanted * (_MOST_DIGITS + 1):
            raise ArchiveError("a sparse file's map is damaged")
    return [_decimal(line) for line in b"".join(blocks).split(b"\n", wanted)[1:wanted]]


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > _MOST_DIGITS:
        raise ArchiveError("a sparse file's map is damaged")
    return int(text)


def _check(entry: Entry) -> None:
    """Segments stand in order, do not overlap, and take exactly the content that there is."""
    end = total = 0
    for offset, length in entry.segments or ():
        if offset < end:
            raise ArchiveError("a sparse file's segments overlap")
        end = offset + length
        total += length
    if end > entry.real_size or total != entry.size:
        raise ArchiveError("a sparse file's map does not fit its content")
