"""One entry of a tar archive, and how a name in it may look."""

from __future__ import annotations

from ipycontainer.errors import ArchiveError, EscapingPath
from ipycontainer.images.inside.whiteouts import PREFIX

FILE = "file"
DIRECTORY = "directory"
SYMLINK = "symlink"
LINK = "link"
CHAR = "char"
BLOCK = "block"
FIFO = "fifo"

LONGEST_COMPONENT = 255
LONGEST_PATH = 4095


class Entry:
    """What a header (with what stood before it) says.  Names are bytes: a tar has no encoding.

    size: bytes of content that follow; segments: for a sparse file (offset, length) pairs that the content
    fills, and real_size its length; attributes: extended attributes.
    """

    __slots__ = (
        "attributes", "gid", "kind", "link", "major", "minor", "mode", "mtime_ns", "name", "real_size", "segments",
        "size", "uid",
    )  # fmt: skip

    def __init__(self, name: bytes, kind: str, mode: int = 0o644, size: int = 0) -> None:
        self.name = name
        self.kind = kind
        self.mode = mode
        self.size = size
        self.uid = 0
        self.gid = 0
        self.mtime_ns = 0
        self.link = b""
        self.major = 0
        self.minor = 0
        self.attributes: dict[bytes, bytes] = {}
        self.segments: list[tuple[int, int]] | None = None
        self.real_size = size

    def __repr__(self) -> str:
        return f"<{self.kind} {shown(self.name)}>"


def too_large(entry: Entry) -> ArchiveError:
    """What is said where Python's OverflowError tells that a number of an entry fits into none of the kernel's."""
    return ArchiveError(
        f"{shown(entry.name)!r} has an owner, a size or a device's number that is larger than any can be;"
        " the archive is damaged or not to be trusted"
    )


def shown(name: bytes) -> str:
    """A name for a sentence: short, and with nothing in it that a terminal would obey."""
    text = name.decode("utf-8", "backslashreplace")
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    return text if len(text) <= 120 else text[:80] + "…" + text[-39:]


def clean(name: bytes, climbing: bool = False) -> bytes:
    """The name as a path below the root: no leading, doubled or trailing slashes, no dots; b"" for the root.

    Names that start at the host's root, climb by `..`, hold a NUL or are longer than the kernel takes are
    refused.  climbing=True leaves out the first two checks, for the test that shows what they are for.
    """
    if b"\0" in name:
        raise ArchiveError(f"the name {shown(name)!r} has a NUL in it; such an archive is not to be trusted")
    if name[:1] == b"/" and name.strip(b"/") and not climbing:
        raise EscapingPath(f"{shown(name)!r} is an absolute name; a layer's names start at the image's root")
    if b"/." not in name and b"//" not in name and name[:1] not in b"./" and name[-1:] != b"/":
        parts = name.split(b"/")
    else:
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        if b".." in parts and not climbing:
            raise EscapingPath(f"{shown(name)!r} climbs out by '..'; nothing of this layer was kept")
        name = b"/".join(parts)
    # A whiteout may be longer than a name: nothing is called so, and what it hides has a name.
    long = len(name) > LONGEST_COMPONENT and any(len(part.removeprefix(PREFIX)) > LONGEST_COMPONENT for part in parts)
    if len(name) > LONGEST_PATH or long:
        raise ArchiveError(
            f"the name {shown(name)!r} is too long: {LONGEST_COMPONENT} bytes for each part and {LONGEST_PATH} in all"
        )
    return name
