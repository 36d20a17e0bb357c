"""A reader of tar archives as a stream: ustar, GNU long names, PAX, sparse files.

Python's own `tarfile` is made for archives one trusts and takes three times as
long; this reader only says what stands there.  What may be done with it is
decided by whoever unpacks.
"""

from __future__ import annotations

from struct import Struct
from zlib import adler32

from ipycontainer.errors import ArchiveError, TruncatedArchive
from ipycontainer.images.inside import pax, sparse
from ipycontainer.images.inside.tar_entry import BLOCK, CHAR, DIRECTORY, FIFO, FILE, LINK, SYMLINK, Entry, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipycontainer.images.inside.tar_sources import Source


BLOCK_SIZE = 512
CHUNK = 256 * 1024
_LONGEST_META = 1024 * 1024
_ZEROS = bytes(BLOCK_SIZE)
# Seconds that a time_t of 64 bits holds, in nanoseconds.  Base 256 can state more, which is then the epoch, as docker's
# chtimes has it for times that it cannot keep.
_END_OF_TIME = (1 << 63) * 1_000_000_000
_HEADER = Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
_KINDS = {
    b"0": FILE, b"\0": FILE, b"7": FILE, b"S": FILE, b"1": LINK, b"2": SYMLINK, b"3": CHAR, b"4": BLOCK,
    b"5": DIRECTORY, b"6": FIFO,
}  # fmt: skip


class TarReader:
    """Iterates over the entries; `content()` gives the pieces of the present one's content.

    position: how many bytes of the stream have been taken, so where the present content starts.
    """

    def __init__(self, source: Source, what: str = "the archive") -> None:
        self._source = source
        self._what = what
        self._chunk = b""
        self._at = 0
        self._left = 0
        self._global: dict[bytes, bytes] = {}
        self._global_size = 0
        self.position = 0

    def __iter__(self) -> Iterator[Entry]:
        while True:
            self._pass_over()
            header = self._block()
            if header is None or header == _ZEROS:
                return
            entry = self._entry(header)
            if entry is not None:
                yield entry

    def content(self) -> Iterator[memoryview]:
        """The pieces of the present entry's content that have not been taken yet."""
        while self._remaining:
            available = len(self._chunk) - self._at
            if not available:
                self._chunk = self._source.read(CHUNK)
                self._at = 0
                available = len(self._chunk)
                if not available:
                    raise self._truncated()
            count = min(available, self._remaining)
            piece = memoryview(self._chunk)[self._at : self._at + count]
            self._advance(count)
            yield piece

    def drain(self) -> None:
        """Take whatever is left of the stream: its writer must not fail, and its digest covers it."""
        while self._source.read(CHUNK):
            pass

    # `_left` counts the present entry's content with its padding, `_padding` the padding alone.
    _padding = 0

    @property
    def _remaining(self) -> int:
        return self._left - self._padding if self._left > self._padding else 0

    def _advance(self, count: int) -> None:
        self._at += count
        self._left -= count
        self.position += count

    def _begin(self, size: int) -> None:
        self._padding = -size % BLOCK_SIZE
        self._left = size + self._padding

    def _pass_over(self) -> None:
        """Leave out what nobody took of the last entry."""
        while self._left:
            available = len(self._chunk) - self._at
            if not available:
                if self._source.skip(self._left):
                    self.position += self._left
                    self._left = 0
                    return
                self._chunk = self._source.read(CHUNK)
                self._at = 0
                available = len(self._chunk)
                if not available:
                    raise self._truncated()
            self._advance(min(available, self._left))

    def _block(self) -> bytes | None:
        """The next block, or None at a clean end."""
        at = self._at
        if len(self._chunk) - at >= BLOCK_SIZE:
            self._at = at + BLOCK_SIZE
            self.position += BLOCK_SIZE
            return self._chunk[at : at + BLOCK_SIZE]
        rest = self._chunk[at:]
        while len(rest) < BLOCK_SIZE:
            more = self._source.read(CHUNK)
            if not more:
                if rest:
                    raise self._truncated()
                return None
            rest += more
        self._chunk = rest
        self._at = BLOCK_SIZE
        self.position += BLOCK_SIZE
        return rest[:BLOCK_SIZE]

    def _meta(self, size: int, before: int) -> bytes:
        """The content of a header that only says something of the next ones; before: bytes that such ones had."""
        if before + size > _LONGEST_META:
            raise ArchiveError(
                f"{self._what} has headers of {before + size} bytes; more than {_LONGEST_META} are refused"
            )
        self._begin(size)
        data = b"".join(self.content())
        self._pass_over()
        return data

    def _entry(self, header: bytes) -> Entry | None:
        local: dict[bytes, bytes] = {}
        long_name = long_link = b""
        # Counted together, with what is kept for all entries: each may bring what the others had not.
        said = self._global_size
        while True:
            check(header, self._what)
            kind = header[156:157]
            if kind not in b"xXgLK":
                break
            data = self._meta(_number(header[124:136], "size"), said)
            said += len(data)
            if kind == b"g":
                self._global.update(pax.lasting(pax.records(data)))
                self._global_size = sum(len(key) + len(value) for key, value in self._global.items())
            elif kind in b"xX":
                local.update(pax.records(data))
            elif kind == b"L":
                long_name = data.partition(b"\0")[0]
            else:
                long_link = data.partition(b"\0")[0]
            following = self._block()
            if following is None or following == _ZEROS:
                raise self._truncated()
            header = following
        if kind == b"V":  # a volume's label, which names no file
            self._begin(_number(header[124:136], "size"))
            return None
        entry, size = self._read(header, kind, long_name, long_link)
        if self._global or local:
            size = pax.apply(entry, {**self._global, **local}, size)
        if entry.kind is FILE and entry.name[-1:] == b"/":
            # How folders were written before ustar.  Only now: a header's name that PAX replaces may be cut anywhere.
            entry.kind = DIRECTORY
        if abs(entry.mtime_ns) >= _END_OF_TIME:
            entry.mtime_ns = 0
        # Only files have content: a size on anything else counts for nothing, as in Go's reader.
        entry.size = entry.real_size = size if entry.kind == FILE else 0
        self._begin(entry.size)
        if kind == b"S":
            sparse.read_old_gnu(entry, header, self._needed_block)
        elif local and entry.kind == FILE:
            sparse.read_pax(entry, local, self._take_content)
        return entry

    def _read(self, header: bytes, kind: bytes, long_name: bytes, long_link: bytes) -> tuple[Entry, int]:
        (name, mode, uid, gid, size, mtime, _, _, link, magic, _, _, major, minor, prefix) = _HEADER.unpack(header)
        name = name.partition(b"\0")[0]
        if magic == b"ustar\00000" and prefix[0]:
            name = prefix.partition(b"\0")[0] + b"/" + name
        name = long_name or name
        what = _KINDS.get(kind)
        if what is None:
            raise ArchiveError(f"{self._what}: {shown(name)!r} has the unknown type {kind!r}")
        entry = Entry(name, what, _number(mode, "mode") & 0o7777)
        entry.uid = _number(uid, "uid")
        entry.gid = _number(gid, "gid")
        entry.mtime_ns = _number(mtime, "mtime", signed=True) * 1_000_000_000
        if what is LINK or what is SYMLINK:
            entry.link = long_link or link.partition(b"\0")[0]
        elif what is CHAR or what is BLOCK:
            entry.major = _number(major, "major")
            entry.minor = _number(minor, "minor")
        return entry, _number(size, "size")

    def _needed_block(self) -> bytes:
        block = self._block()
        if block is None:
            raise self._truncated()
        return block

    def _take_content(self, count: int) -> bytes:
        """The next `count` bytes of the present content."""
        if count > self._remaining:
            raise ArchiveError(f"{self._what} has a damaged map of a sparse file")
        data = b""
        while len(data) < count:
            if self._at == len(self._chunk):
                self._chunk = self._source.read(CHUNK)
                self._at = 0
                if not self._chunk:
                    raise self._truncated()
            piece = self._chunk[self._at : self._at + count - len(data)]
            self._advance(len(piece))
            data += piece
        return data

    def _truncated(self) -> TruncatedArchive:
        if not self.position:
            return TruncatedArchive(f"{self._what} is no tar archive: it is shorter than the first header would be")
        return TruncatedArchive(f"{self._what} ends in the middle of an entry; get it again from where it came")


def check(header: bytes, what: str) -> None:
    """Raises ArchiveError unless the block is a header, which its checksum shows."""
    field = header[148:156]
    try:
        stated = _number(field, "checksum")
    except ArchiveError:
        raise ArchiveError(f"{what} is no tar archive, or damaged: a header has no checksum") from None
    # adler32's lower half is 1 + the sum of all bytes, modulo 65521, at C speed.
    if (adler32(header) & 0xFFFF) == (stated + sum(field) - 256 + 1) % 65521:
        return
    others = header[:148] + b" " * 8 + header[156:]
    if sum(byte - 256 if byte > 127 else byte for byte in others) != stated:
        raise ArchiveError(f"{what} is damaged, or no tar archive: a header's checksum is wrong")


def _number(field: bytes, what: str, signed: bool = False) -> int:
    """A number field: octal digits, or GNU's base 256 with the highest bit set."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (len(field) * 8 - 1)) - 1)
        if field[0] & 0x40:
            value -= 1 << (len(field) * 8 - 1)
        if value < 0 and not signed:
            raise ArchiveError(f"a header's {what} is negative")
        return value
    digits = field.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    sign = -1 if signed and digits[:1] == b"-" else 1
    if sign < 0:
        digits = digits[1:]
    if not digits.isdigit():
        raise ArchiveError(f"a header's {what} is no number: {field!r}; the archive is damaged, or no tar archive")
    try:
        return sign * int(digits, 8)
    except ValueError:
        raise ArchiveError(f"a header's {what} is no octal number: {field!r}") from None
