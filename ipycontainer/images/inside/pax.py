"""PAX extended headers: `LENGTH KEY=VALUE\\n` records, and what they change in an entry."""

from __future__ import annotations

from ipycontainer.errors import ArchiveError
from ipycontainer.images.inside.tar_entry import LINK, SYMLINK, Entry, shown

_ATTRIBUTE = b"SCHILY.xattr."
_LONGEST_ATTRIBUTE = 65536  # XATTR_SIZE_MAX
_OF_ALL = (b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime")


def records(data: bytes) -> dict[bytes, bytes]:
    """The records of one extended header."""
    found: dict[bytes, bytes] = {}
    segments: list[bytes] = []
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        digits = data[at:space] if space > at else b""
        if not digits.isdigit():
            if not data[at:].strip(b"\0"):
                break
            raise ArchiveError("a PAX header is damaged: a record has no length")
        end = at + int(digits)
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end > len(data) or end <= space + 1 or data[end - 1 : end] != b"\n" or not equals or not key:
            raise ArchiveError("a PAX header is damaged: a record does not end where it says")
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            # Version 0.0 repeats its keys, one pair for each segment; version 0.1 writes the same as one list.
            segments.append(value)
        else:
            found[key] = value
        at = end
    if segments:
        found[b"GNU.sparse.map"] = b",".join(segments)
    return found


def lasting(found: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """What a global header says to every entry after it.

    Not all: each of a hundred thousand records would be looked at for each of a million entries.  No writer gives all
    of an archive the same attributes, and docker reads no global header at all.
    """
    return {key: found[key] for key in _OF_ALL if key in found}


def apply(entry: Entry, found: dict[bytes, bytes], size: int) -> int:
    """Change `entry` as the records say; gives the size of its content."""
    for key, value in found.items():
        if key == b"path":
            entry.name = _name(value)
        elif key == b"linkpath":
            if entry.kind in (LINK, SYMLINK):
                entry.link = _name(value)
        elif key == b"size":
            size = _whole(value, "size")
        elif key == b"uid":
            entry.uid = _whole(value, "uid")
        elif key == b"gid":
            entry.gid = _whole(value, "gid")
        elif key == b"mtime":
            entry.mtime_ns = _nanoseconds(value)
        elif key.startswith(_ATTRIBUTE):
            entry.attributes[key[len(_ATTRIBUTE) :]] = _attribute(value, key[len(_ATTRIBUTE) :], entry)
    return size


def _name(value: bytes) -> bytes:
    if b"\0" in value:
        raise ArchiveError(f"the name {shown(value)!r} has a NUL in it; such an archive is not to be trusted")
    return value


def _attribute(value: bytes, name: bytes, entry: Entry) -> bytes:
    if b"\0" in name:
        raise ArchiveError(f"the attribute {shown(name)!r} of {shown(entry.name)!r} has a NUL in its name")
    if len(value) > _LONGEST_ATTRIBUTE:
        raise ArchiveError(
            f"the attribute {shown(name)!r} of {shown(entry.name)!r} has {len(value)} bytes; the kernel keeps none"
            f" of more than {_LONGEST_ATTRIBUTE}, so the archive is damaged or not to be trusted"
        )
    return value


def _whole(value: bytes, what: str) -> int:
    if not value.isdigit() or len(value) > 20:
        raise ArchiveError(f"a PAX header's {what} is no number: {value!r}")
    return int(value)


def _nanoseconds(value: bytes) -> int:
    whole, _, fraction = value.partition(b".")
    sign = -1 if whole[:1] == b"-" else 1
    seconds = whole.lstrip(b"-") or b"0"
    if not seconds.isdigit() or len(seconds) > 18 or (fraction and not fraction.isdigit()):
        raise ArchiveError(f"a PAX header's mtime is no time: {value!r}")
    return sign * (int(seconds) * 1_000_000_000 + int((fraction + b"000000000")[:9]))
