"""The jobs `images.layer` and `images.export`: trees become tar archives, the same ones for the same trees.

A layer is what a container changed: its writable folder, with whiteouts in the
words of OCI's layer format.  An export is all that the container shows.
"""

from __future__ import annotations

import os
from stat import S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISLNK, S_ISREG

from ipycontainer.errors import KernelError, StoreError
from ipycontainer.images.inside import whiteouts
from ipycontainer.images.inside.changes import is_mount_point
from ipycontainer.images.inside.stack import VANISHED, Stack, join, open_file
from ipycontainer.images.inside.stack_request import Asked
from ipycontainer.images.inside.tar_entry import BLOCK, CHAR, DIRECTORY, FIFO, FILE, LINK, SYMLINK, Entry, shown
from ipycontainer.images.inside.tar_writer import END, header, padding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel

_PIECE = 256 * 1024
# With these a writable layer says that content lies below under another name; plain overlay mounts do not write them.
_ELSEWHERE = ("overlay.redirect", "overlay.metacopy")


def pack_layer(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """Write the writable layer (below the second descriptor) over `lowers` (below the first) into the third.

    With two descriptors nothing was ever written there.
    """
    writer = TarStream(descriptors[-1])
    if len(descriptors) == 2:
        writer.end()
        return {"entries": 0}
    layers, container, _out = descriptors
    asked = Asked(request, layers, container)
    packer = _Packer(asked, Stack(asked.uppers, asked.mode), writer)
    lower = asked.lower_stack()
    pending = [(b"", lower.all)]
    while pending:
        path, below = pending.pop()
        above = packer.stack.look_raw(path)
        there = lower.look(path, below, above)
        deeper = []
        for name in sorted(above):
            status = above[name]
            full = join(path, name)
            if whiteouts.is_whiteout(status):
                # What is not there below needs no whiteout: overlay leaves some where a file came and went.
                if name in there:
                    writer.entry(Entry(join(path, whiteouts.PREFIX + name), FILE, 0o644))
                continue
            found = there.get(name)
            if found is None and is_mount_point(full, status):
                continue
            owner = asked.owner(found.layer, full) if found else None
            opaque = packer.put(path, name, status, 0, owner)
            if S_ISDIR(status.st_mode):
                deeper.append((full, found.below if found and not opaque else []))
        pending += reversed(deeper)
    writer.end()
    return {"entries": writer.entries}


def pack_all(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """Write all that `lowers` (below the first descriptor) and a writable layer (below the second) show.

    The last descriptor takes the archive; with two there is no writable layer.
    """
    asked = Asked(request, descriptors[0], descriptors[1] if len(descriptors) == 3 else None)
    writer = TarStream(descriptors[-1])
    stack = asked.stack()
    packer = _Packer(asked, stack, writer, layered=False)
    above = len(asked.uppers)
    for path, name, found in stack.walk():
        full = join(path, name)
        owner = None
        if asked.mode == "one":
            owner = _first_owner(asked, found.layer - above, full)
        packer.put(path, name, found.stat, found.layer, owner)
    writer.end()
    return {"entries": writer.entries}


def _first_owner(asked: Asked, layer: int, path: bytes) -> tuple[int, int, int] | None:
    """Of a name in the writable layer: as it was below, for the copy there belongs to the one mapped id."""
    if layer >= 0:
        return asked.owner(layer, path)
    for lower in range(len(asked.lowers)):
        found = asked.owner(lower, path)
        if found is not None:
            return found
    return None


class TarStream:
    """Headers and content into a pipe; small ones gathered."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._held: list[bytes] = []
        self._size = 0
        self.entries = 0

    def write(self, data: bytes) -> None:
        """More of the archive."""
        self._held.append(data)
        self._size += len(data)
        if self._size >= _PIECE:
            self._flush()

    def _flush(self) -> None:
        view = memoryview(b"".join(self._held))
        self._held, self._size = [], 0
        while view:
            view = view[os.write(self._out, view) :]

    def entry(self, entry: Entry) -> None:
        """A header."""
        self.entries += 1
        self.write(header(entry))

    def file(self, entry: Entry, descriptor: int) -> None:
        """An entry with the content of a file, of which it says the size."""
        self.entry(entry)
        left = entry.size
        while left:
            data = os.read(descriptor, min(left, _PIECE))
            if not data:
                # The container cut it while it was read; the header has been written, so zeros fill it up.
                data = bytes(min(left, _PIECE))
            left -= len(data)
            self.write(data)
        self.write(padding(entry.size))

    def end(self) -> None:
        """The archive's end, and the pipe's."""
        self.write(END)
        self._flush()
        os.close(self._out)


class _Packer:
    def __init__(self, asked: Asked, stack: Stack, writer: TarStream, layered: bool = True) -> None:
        self.stack = stack
        self._writer = writer
        self._mode = asked.mode
        self._layered = layered
        self._first: dict[tuple[int, int, int], bytes] = {}
        self._folder: tuple[int, bytes, int] | None = None

    def put(
        self, path: bytes, name: bytes, status: os.stat_result, layer: int, owner: tuple[int, int, int] | None
    ) -> bool:
        """Write one entry, if it is still there; gives whether it is a folder that hides what is below."""
        entry = entry_of(join(path, name), status)
        if entry is None:
            return False  # a socket: whoever bound it is gone, and no archive can hold it
        if owner is not None:
            entry.uid, entry.gid, entry.mode = owner
        try:
            return self._put(self._open(layer, path), name, entry, status, layer)
        except (FileNotFoundError, KernelError) as error:
            if error.errno not in VANISHED:
                raise
            # A container removed it while we looked; what is written of an entry is written after all that can say so.
            self._first.pop((layer, status.st_dev, status.st_ino), None)
            return False

    def _put(self, folder: int, name: bytes, entry: Entry, status: os.stat_result, layer: int) -> bool:
        full = entry.name
        if entry.kind is SYMLINK:
            entry.link = os.readlink(name, dir_fd=folder)
        elif entry.kind is FILE and status.st_nlink > 1:
            first = self._first.setdefault((layer, status.st_dev, status.st_ino), full)
            if first != full:
                entry.kind, entry.link, entry.size = LINK, first, 0
        opaque = False
        if entry.kind in (FILE, DIRECTORY):
            opaque = self._attributes(folder, name, entry)
        if entry.kind is FILE:
            self._file(folder, name, entry)
            return False
        self._writer.entry(entry)
        if opaque and self._layered:
            self._writer.entry(Entry(join(full, whiteouts.OPAQUE), FILE, 0o644))
        return opaque

    def _open(self, layer: int, path: bytes) -> int:
        if self._folder is not None:
            if self._folder[:2] == (layer, path):
                return self._folder[2]
            os.close(self._folder[2])
            self._folder = None
        descriptor = self.stack.folder(layer, path)
        self._folder = (layer, path, descriptor)
        return descriptor

    def _attributes(self, folder: int, name: bytes, entry: Entry) -> bool:
        """Extended attributes, without overlay's own; gives whether they say "opaque"."""
        opaque = False
        place = f"/proc/self/fd/{folder}/{os.fsdecode(name)}"
        for attribute in os.listxattr(place, follow_symlinks=False):
            space, _, rest = attribute.partition(".")
            if space in ("trusted", "user") and rest.startswith("overlay."):
                if attribute == whiteouts.opaque_attribute(self._mode):
                    opaque = os.getxattr(place, attribute, follow_symlinks=False) == b"y"
                elif rest in _ELSEWHERE:
                    raise StoreError(
                        f"{shown(entry.name)!r} was renamed by overlayfs' own shortcut ({rest}), which a layer cannot"
                        " say; turn it off: echo N > /sys/module/overlay/parameters/redirect_dir"
                    )
                continue
            # A label of this machine's security module means nothing elsewhere.
            if attribute == "security.selinux":
                continue
            entry.attributes[os.fsencode(attribute)] = os.getxattr(place, attribute, follow_symlinks=False)
        return opaque

    def _file(self, folder: int, name: bytes, entry: Entry) -> None:
        descriptor = open_file(folder, name)
        try:
            entry.size = os.fstat(descriptor).st_size
            self._writer.file(entry, descriptor)
        finally:
            os.close(descriptor)


def entry_of(path: bytes, status: os.stat_result) -> Entry | None:
    """The header of what is so, under this name; None for a socket."""
    mode = status.st_mode
    kinds = (
        (S_ISREG, FILE), (S_ISDIR, DIRECTORY), (S_ISLNK, SYMLINK), (S_ISCHR, CHAR), (S_ISBLK, BLOCK), (S_ISFIFO, FIFO),
    )  # fmt: skip
    kind = next((word for test, word in kinds if test(mode)), None)
    if kind is None:
        return None
    entry = Entry(path, kind, mode & 0o7777, status.st_size if kind is FILE else 0)
    entry.uid, entry.gid, entry.mtime_ns = status.st_uid, status.st_gid, status.st_mtime_ns
    if kind in (CHAR, BLOCK):
        entry.major, entry.minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    return entry
