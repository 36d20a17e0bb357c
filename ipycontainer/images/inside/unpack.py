"""The job `images.unpack`: a layer's tar, as it streams in, becomes a tree.

The descriptors are a new folder and a pipe with the plain tar.  Decompression
and digests are the caller's: it has the libraries that do them fast, and what
comes out of a decompressor is checked there before the tree is given its name.
The tree, and what is to be known of it, is on disk when the job answers.
"""

from __future__ import annotations

import os
from errno import EDQUOT, EINVAL, ENOSPC, ENOTSUP, EPERM, EROFS
from stat import S_IFBLK, S_IFCHR, S_ISDIR

from ipycontainer.errors import ArchiveError, DeviceRefused, EscapingPath, StoreUnwritable
from ipycontainer.images.inside import tar_entry, whiteouts
from ipycontainer.images.inside.fold import Fold
from ipycontainer.images.inside.guards import Guards, without
from ipycontainer.images.inside.owners import Owners
from ipycontainer.images.inside.places import Places
from ipycontainer.images.inside.tar_entry import BLOCK, CHAR, DIRECTORY, FIFO, FILE, LINK, SYMLINK, Entry, clean, shown
from ipycontainer.images.inside.tar_reader import TarReader
from ipycontainer.images.inside.tar_sources import DescriptorSource
from ipycontainer.images.inside.writeback import Writeback
from ipycontainer.json_text import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MOST_ATTRIBUTES = 16 * 1024 * 1024
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """Unpack the tar from the second descriptor into `tree`, a new folder in the first.

    request: mode ("root", "range" or "one"); most_bytes (0: what the disk has); ignore_ids (give to root what belongs
    to ids that are not mapped); without (guards off: tests).
    Answers with what it also writes beside the tree: images/layers.py's LayerRecord, but for its diff id.
    """
    folder, pipe = descriptors
    os.umask(0)
    os.mkdir("tree", 0o755, dir_fd=folder)
    tree = os.open("tree", _DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    reader = TarReader(DescriptorSource(pipe), "the layer")
    guards = without(request.get("without", ()))
    unpacker = Unpacker(tree, request["mode"], reader, guards, int(request.get("most_bytes", 0)))
    if request.get("ignore_ids") and request["mode"] != "one":  # there all owners are kept beside the tree
        unpacker.fold = Fold()
    try:
        unpacker.run()
    finally:
        unpacker.writeback.wait()
    known = {
        "mode": request["mode"],
        "size": unpacker.bytes,
        "entries": unpacker.entries,
        "opaque": unpacker.opaque,
        "left_out": unpacker.left_out,
        "folded": unpacker.fold.count if unpacker.fold else 0,
    }
    try:
        if request["mode"] == "one":
            unpacker.owners.write(folder)
        _write_record(folder, known)
        unpacker.writeback.finish()
    except OSError as error:
        raise StoreUnwritable(f"cannot write the layer's tree: {error.strerror}; nothing of it was kept") from None
    return known


def _write_record(folder: int, known: dict[str, Any]) -> None:
    """Before the one sync at the end, which makes it durable with the tree: a sync of its own would be two more."""
    descriptor = os.open("layer.json", _CREATE, 0o644, dir_fd=folder)
    try:
        _write(descriptor, memoryview(dumps(known).encode()))
    finally:
        os.close(descriptor)


class Unpacker:
    """Writes the entries of one layer below `root`."""

    def __init__(self, root: int, mode: str, reader: TarReader, guards: Guards, most_bytes: int = 0) -> None:
        self.root = root
        self.mode = mode
        self.reader = reader
        self.guards = guards
        self.places = Places(root, guards.links)
        self.owners = Owners()
        self.writeback = Writeback(root)
        self.fold: Fold | None = None
        self.entries = 0
        self.bytes = 0
        self.opaque = False
        self.left_out = 0
        self._directories: dict[bytes, Entry] = {}
        self._attribute_bytes = 0
        space = os.fstatvfs(root)
        # The last twentieth of the disk is left: a full disk hurts more than this layer.
        self._free = space.f_bavail * space.f_frsize * 95 // 100
        self._names = space.f_favail * 95 // 100 if space.f_files else -1  # some file systems make them as needed
        self._most = most_bytes
        self._make = {
            FILE: self._file, DIRECTORY: self._directory, SYMLINK: self._symlink, LINK: self._link,
            CHAR: self._device, BLOCK: self._device, FIFO: self._fifo,
        }  # fmt: skip

    def run(self) -> None:
        """Unpack everything; folders get their own times and modes last, when nothing is put in them any more."""
        for entry in self.reader:
            self._one(entry)
        for path, entry in self._directories.items():
            self._guarded(entry, self._finish_directory, path, entry)
        self.reader.drain()
        self.places.forget()

    def _one(self, entry: Entry) -> None:
        self.entries += 1
        if self.entries > self._names >= 0 and self.guards.sizes:
            raise StoreUnwritable(
                f"the layer has more than the {self._names} names that may be used of the store's disk (df -i); remove"
                " images with `rmi`, or set IPYCONTAINER_ROOT to a larger one"
            )
        if self.fold:
            self.fold(entry)
        path = clean(entry.name, climbing=not self.guards.names)
        if not path:
            if entry.kind is not DIRECTORY:
                raise ArchiveError("the layer's root is not a folder")
            self._finish_later(b"", entry)
            return
        above, _, name = path.rpartition(b"/")
        self._guarded(entry, self._put, self.places.folder, above, name, entry, path)

    def _guarded(self, entry: Entry, do: Any, *arguments: Any) -> None:
        try:
            do(*arguments)
        except OSError as error:
            raise self._explained(error, entry) from None
        except OverflowError:
            raise tar_entry.too_large(entry) from None

    def _put(self, folder_of: Any, above: bytes, name: bytes, entry: Entry, path: bytes) -> None:
        folder = folder_of(above)
        if name.startswith(whiteouts.PREFIX):
            self._whiteout(folder, above, name)
            return
        try:
            self._make[entry.kind](folder, name, entry)
        except FileExistsError:
            self._again(folder, name, entry)
        if entry.kind is DIRECTORY:
            self._finish_later(path, entry)
        elif self.mode == "one":
            self.owners.note(path, entry)

    def _whiteout(self, folder: int, above: bytes, name: bytes) -> None:
        if name == whiteouts.OPAQUE:
            if above:
                whiteouts.make_opaque(folder, self.mode)
            else:
                # overlayfs does not look at a layer's root: whoever mounts leaves the layers below out.
                self.opaque = True
            return
        hidden = whiteouts.hidden_name(name, self.guards.whiteouts)
        if hidden:
            whiteouts.hide(folder, hidden, self.mode)

    def _again(self, folder: int, name: bytes, entry: Entry) -> None:
        """The name is there already: our own whiteout, the same folder named twice, or a trick."""
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if whiteouts.is_whiteout(found):
            os.unlink(name, dir_fd=folder)
            self._make[entry.kind](folder, name, entry)
            if entry.kind is DIRECTORY:
                whiteouts.make_opaque_at(folder, name, self.mode)
            return
        if entry.kind is DIRECTORY and S_ISDIR(found.st_mode):
            return
        if self.guards.duplicates:
            raise ArchiveError(
                f"{shown(entry.name)!r} stands twice in the layer: which of them is meant depends on who reads it"
            )
        self.places.forget()
        if S_ISDIR(found.st_mode):
            os.rmdir(name, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)
        self._make[entry.kind](folder, name, entry)

    def _file(self, folder: int, name: bytes, entry: Entry) -> None:
        self._count(entry)
        descriptor = os.open(name, _CREATE, entry.mode & 0o777, dir_fd=folder)
        try:
            if entry.segments is None:
                for piece in self.reader.content():
                    _write(descriptor, piece)
            else:
                self._sparse(descriptor, entry)
            self._own(descriptor, entry)
            os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(descriptor)
        self.writeback.wrote(entry.size)

    def _sparse(self, descriptor: int, entry: Entry) -> None:
        os.ftruncate(descriptor, entry.real_size)
        segments = iter(entry.segments or ())
        offset = left = 0
        for piece in self.reader.content():
            while piece:
                while not left:
                    offset, left = next(segments)
                count = os.pwrite(descriptor, piece[:left], offset)
                piece, offset, left = piece[count:], offset + count, left - count

    def _own(self, descriptor: int, entry: Entry) -> None:
        """Owner, attributes and special bits, in this order: chown takes the bits and file capabilities away."""
        if (entry.uid or entry.gid) and self.mode != "one":
            os.fchown(descriptor, entry.uid, entry.gid)
        if entry.attributes:
            self._attributes(descriptor, entry)
        if entry.mode & 0o7000:
            os.fchmod(descriptor, entry.mode)

    def _attributes(self, descriptor: int, entry: Entry) -> None:
        for name, value in entry.attributes.items():
            if name.startswith(whiteouts.SMUGGLED) and self.guards.attributes:
                raise EscapingPath(
                    f"{shown(entry.name)!r} carries {shown(name)!r}: with it a layer could command the overlay itself"
                )
            try:
                os.setxattr(descriptor, name, value)
            except OSError as error:
                # Labels of another machine's security modules cannot be set here; the blob keeps them.
                if error.errno not in (ENOTSUP, EPERM, EINVAL):
                    raise
                self.left_out += 1

    def _directory(self, folder: int, name: bytes, entry: Entry) -> None:
        os.mkdir(name, entry.mode & 0o777, dir_fd=folder)

    def _finish_later(self, path: bytes, entry: Entry) -> None:
        """Not at once: what is put in it changes its time, and would inherit a default ACL."""
        self._directories[path] = entry
        self._attribute_bytes += sum(map(len, entry.attributes.values()))
        if self._attribute_bytes > _MOST_ATTRIBUTES:
            raise ArchiveError(
                f"the layer's folders carry more than {_MOST_ATTRIBUTES >> 20} MiB of extended attributes;"
                " so much is not kept in memory: make the image with fewer"
            )

    def _finish_directory(self, path: bytes, entry: Entry) -> None:
        descriptor = self.places.folder(path)
        os.fchmod(descriptor, entry.mode & 0o777)
        self._own(descriptor, entry)
        os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
        if self.mode == "one":
            self.owners.note(path, entry)

    def _symlink(self, folder: int, name: bytes, entry: Entry) -> None:
        os.symlink(entry.link, name, dir_fd=folder)
        self._own_name(folder, name, entry)

    def _link(self, folder: int, name: bytes, entry: Entry) -> None:
        above, _, base = clean(entry.link, climbing=not self.guards.names).rpartition(b"/")
        if not base:
            raise EscapingPath(f"{shown(entry.name)!r} is a hard link to the layer's root")
        target = self.places.folder(above, create=False)
        os.link(base, name, src_dir_fd=target, dst_dir_fd=folder, follow_symlinks=False)

    def _device(self, folder: int, name: bytes, entry: Entry) -> None:
        if self.guards.devices:
            self._judge_device(entry)
        kind = S_IFCHR if entry.kind is CHAR else S_IFBLK
        try:
            os.mknod(name, kind | entry.mode & 0o777, os.makedev(entry.major, entry.minor), dir_fd=folder)
        except PermissionError:
            raise DeviceRefused(
                f"{shown(entry.name)!r} is a device node, which this machine does not allow to be made"
            ) from None
        self._own_name(folder, name, entry)

    def _judge_device(self, entry: Entry) -> None:
        if self.mode != "root":
            raise DeviceRefused(
                f"{shown(entry.name)!r} is a device node ({entry.kind} {entry.major}:{entry.minor}), which an ordinary"
                " user may not make; load the image as root, or make it without nodes (containers get a /dev anyway)"
            )
        if entry.kind is CHAR and entry.major == entry.minor == 0:
            raise EscapingPath(f"{shown(entry.name)!r} is a device 0:0: to the overlay a whiteout in disguise")

    def _fifo(self, folder: int, name: bytes, entry: Entry) -> None:
        os.mkfifo(name, entry.mode & 0o777, dir_fd=folder)
        self._own_name(folder, name, entry)

    def _own_name(self, folder: int, name: bytes, entry: Entry) -> None:
        if (entry.uid or entry.gid) and self.mode != "one":
            os.chown(name, entry.uid, entry.gid, dir_fd=folder, follow_symlinks=False)
        os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=folder, follow_symlinks=False)

    def _count(self, entry: Entry) -> None:
        self.bytes += entry.size
        if not self.guards.sizes:
            return
        if self.bytes > self._free:
            raise StoreUnwritable(
                f"the layer needs more than the {self._free >> 20} MiB that may be used of the store's disk;"
                " remove images with `rmi`, or set IPYCONTAINER_ROOT to a larger one"
            )
        if self._most and self.bytes > self._most:
            raise ArchiveError(
                f"the layer unpacks to more than {self._most} bytes; if that is right, set IPYCONTAINER_LAYER_BYTES"
            )

    def _explained(self, error: OSError, entry: Entry) -> Exception:
        name = shown(entry.name)
        if error.errno in (ENOSPC, EDQUOT, EROFS):
            return StoreUnwritable(f"cannot unpack {name!r}: {error.strerror}; nothing of this layer was kept")
        if error.errno == EINVAL and (entry.uid or entry.gid):
            return ArchiveError(
                f"{name!r} belongs to {entry.uid}:{entry.gid}, which is outside the ids that this user has;"
                " give the user more in /etc/subuid and /etc/subgid, or say --ignore-ids (load, pull, import)"
            )
        if entry.kind is LINK:
            return ArchiveError(f"{name!r} is a hard link to {shown(entry.link)!r}: {error.strerror}")
        return ArchiveError(f"cannot unpack {name!r}: {error.strerror}")


def _write(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]
