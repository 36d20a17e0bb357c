"""Tar archives for tests, entry by entry, with everything that a decent writer would refuse to write."""

from __future__ import annotations

from ipycontainer.images.inside.tar_entry import (
    BLOCK,
    CHAR,
    DIRECTORY,
    FIFO,
    FILE,
    LINK,
    SYMLINK,
    Entry,
)
from ipycontainer.images.inside.tar_writer import END, header, padding

WHEN = 1_700_000_000
Member = tuple[Entry, bytes]


def _entry(name: str | bytes, kind: str, mode: int, **fields: object) -> Entry:
    entry = Entry(name.encode() if isinstance(name, str) else name, kind, mode)
    entry.mtime_ns = WHEN * 10**9
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


def file(name: str | bytes, content: bytes = b"", mode: int = 0o644, **fields: object) -> Member:
    return _entry(name, FILE, mode, size=len(content), **fields), content


def folder(name: str | bytes, mode: int = 0o755, **fields: object) -> Member:
    return _entry(name, DIRECTORY, mode, **fields), b""


def symlink(name: str | bytes, target: str | bytes, **fields: object) -> Member:
    return _entry(name, SYMLINK, 0o777, link=target.encode() if isinstance(target, str) else target, **fields), b""


def hard_link(name: str | bytes, target: str | bytes) -> Member:
    return _entry(name, LINK, 0o644, link=target.encode() if isinstance(target, str) else target), b""


def char(name: str, major: int, minor: int) -> Member:
    return _entry(name, CHAR, 0o666, major=major, minor=minor), b""


def block(name: str, major: int, minor: int) -> Member:
    return _entry(name, BLOCK, 0o660, major=major, minor=minor), b""


def fifo(name: str) -> Member:
    return _entry(name, FIFO, 0o600), b""


def tar(*members: Member) -> bytes:
    return b"".join(header(entry) + content + padding(len(content)) for entry, content in members) + END
