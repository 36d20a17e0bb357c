"""Headers of tar archives, always the same for the same entry (ustar; PAX only where ustar cannot say it)."""

from __future__ import annotations

from ipycontainer.images.inside.tar_entry import BLOCK, CHAR, DIRECTORY, FIFO, FILE, LINK, SYMLINK, Entry

_TYPES = {FILE: b"0", LINK: b"1", SYMLINK: b"2", CHAR: b"3", BLOCK: b"4", DIRECTORY: b"5", FIFO: b"6"}
END = bytes(1024)
"""What ends an archive."""


def padding(size: int) -> bytes:
    """What fills content of `size` bytes up to whole blocks."""
    return bytes(-size % 512)


def header(entry: Entry) -> bytes:
    """The header of `entry`, with a PAX header before it where its values need one."""
    name = entry.name + b"/" if entry.kind is DIRECTORY and entry.name[-1:] != b"/" else entry.name
    records: dict[bytes, bytes] = {}
    prefix, short = _split(name)
    if short is None:
        records[b"path"] = name
        prefix, short = b"", name[:100]
    if len(entry.link) > 100:
        records[b"linkpath"] = entry.link
    for key, number, most in ((b"uid", entry.uid, 0o7777777), (b"gid", entry.gid, 0o7777777)):
        if number > most:
            records[key] = b"%d" % number
    if entry.size > 0o77777777777:
        records[b"size"] = b"%d" % entry.size
    seconds, fraction = divmod(entry.mtime_ns, 1_000_000_000)
    if fraction or not 0 <= seconds <= 0o77777777777:
        records[b"mtime"] = _time(entry.mtime_ns)
    for attribute in sorted(entry.attributes):
        records[b"SCHILY.xattr." + attribute] = entry.attributes[attribute]
    block = _ustar(entry, short, prefix, _TYPES[entry.kind], entry.size, max(0, seconds))
    if not records:
        return block
    body = b"".join(_record(key, records[key]) for key in sorted(records))
    extra = Entry(b"PaxHeaders/" + short[-80:].strip(b"/"), FILE)
    return _ustar(extra, extra.name, b"", b"x", len(body), 0) + body + padding(len(body)) + block


def _split(name: bytes) -> tuple[bytes, bytes | None]:
    if len(name) <= 100:
        return b"", name
    cut = name.find(b"/", max(0, len(name) - 101), len(name) - 1)
    if 0 < cut <= 155:
        return name[:cut], name[cut + 1 :]
    return b"", None


def _time(nanoseconds: int) -> bytes:
    sign = b"-" if nanoseconds < 0 else b""
    seconds, fraction = divmod(abs(nanoseconds), 1_000_000_000)
    return b"%b%d.%09d" % (sign, seconds, fraction) if fraction else b"%b%d" % (sign, seconds)


def _record(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def _ustar(entry: Entry, name: bytes, prefix: bytes, kind: bytes, size: int, seconds: int) -> bytes:
    block = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0        %b%bustar\00000%b%07o\0%07o\0%b" % (
        name.ljust(100, b"\0"),
        entry.mode & 0o7777,
        entry.uid if entry.uid <= 0o7777777 else 0,
        entry.gid if entry.gid <= 0o7777777 else 0,
        size if size <= 0o77777777777 else 0,
        seconds if seconds <= 0o77777777777 else 0,
        kind,
        entry.link[:100].ljust(100, b"\0"),
        bytes(64),
        entry.major,
        entry.minor,
        prefix.ljust(167, b"\0"),
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
