"""The job `copy.in`: a tar is unpacked into a folder that is there; below that folder no link is followed.

The same function puts what came out of a container into a folder of the host: what it says may be anything.
"""

from __future__ import annotations

import os
from errno import EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR
from stat import S_ISDIR

from ipycontainer.errors import ArchiveError, DeviceRefused, EscapingPath, KernelError
from ipycontainer.images.inside.copy_out import pin
from ipycontainer.images.inside.stack import join
from ipycontainer.images.inside.tar_entry import DIRECTORY, FIFO, FILE, LINK, SYMLINK, Entry, clean, shown, too_large
from ipycontainer.images.inside.tar_reader import TarReader
from ipycontainer.images.inside.tar_sources import DescriptorSource
from ipycontainer.linux.descriptors import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.launcher.wire import Channel

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def receive(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """request: path (a folder below the root), owners (keep the archive's), mode (of the store), guard."""
    root, pipe = descriptors
    os.umask(0)
    pinned = pin(root, str(request["path"]), True, bool(request.get("guard", True)))
    folder = os.open(f"/proc/self/fd/{pinned}", _FOLDER)
    reader = TarReader(DescriptorSource(pipe), "what is copied")
    Placer(
        folder, bool(request["owners"]) and request["mode"] != "one", 0o7777, bool(request.get("guard", True))
    ).place(reader)
    return {}


class Placer:
    """Unpacks into the folder of a descriptor.

    owners: give everything the owner that the archive says; modes: the bits that may be set.
    """

    def __init__(self, folder: int, owners: bool, modes: int, guard: bool = True) -> None:
        self._root = folder
        self._owners = owners
        self._modes = modes
        self._resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS if guard else 0
        self._folders: dict[bytes, Entry] = {}

    def place(self, reader: TarReader) -> None:
        """Everything; folders get their modes and times last, when nothing is put in them any more."""
        for entry in reader:
            path = clean(entry.name)
            if not path:
                continue  # the folder itself, which was there
            self._guarded(path, entry, self._one, path, entry, reader)
        for path, entry in reversed(self._folders.items()):
            self._guarded(path, entry, self._finish_folder, path, entry)
        reader.drain()

    def _guarded(self, path: bytes, entry: Entry, do: Callable[..., None], *arguments: Any) -> None:
        try:
            do(*arguments)
        except OSError as error:
            raise self._explained(path, error) from None
        except OverflowError:
            raise too_large(entry) from None

    def _finish_folder(self, path: bytes, entry: Entry) -> None:
        folder = self._open(path)
        try:
            self._finish(folder, entry)
        finally:
            os.close(folder)

    def _one(self, path: bytes, entry: Entry, reader: TarReader) -> None:
        above, _, name = path.rpartition(b"/")
        folder = self._open(above, make=True)
        try:
            is_folder = self._is_folder(folder, name)
            if entry.kind is DIRECTORY:
                if not is_folder:
                    os.mkdir(name, 0o700, dir_fd=folder)
                self._folders[path] = entry
                return
            if is_folder:
                raise IsADirectoryError(EISDIR, "a folder is there")
            try:
                os.unlink(name, dir_fd=folder)
            except FileNotFoundError:
                pass
            self._make(folder, name, entry, reader)
        finally:
            os.close(folder)

    def _make(self, folder: int, name: bytes, entry: Entry, reader: TarReader) -> None:
        if entry.kind is FILE:
            descriptor = os.open(name, _CREATE, 0o600, dir_fd=folder)
            try:
                for piece in reader.content():
                    view = piece
                    while view:
                        view = view[os.write(descriptor, view) :]
                self._finish(descriptor, entry)
            finally:
                os.close(descriptor)
        elif entry.kind is SYMLINK:
            os.symlink(entry.link, name, dir_fd=folder)
            if self._owners:
                os.chown(name, entry.uid, entry.gid, dir_fd=folder, follow_symlinks=False)
        elif entry.kind is LINK:
            above, _, target = clean(entry.link).rpartition(b"/")
            source = self._open(above)
            try:
                os.link(target, name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
            finally:
                os.close(source)
        elif entry.kind is FIFO:
            os.mkfifo(name, entry.mode & self._modes, dir_fd=folder)
        else:
            raise DeviceRefused(f"{shown(entry.name)!r} is a device, which cp does not copy; leave it out")

    def _open(self, path: bytes, make: bool = False) -> int:
        """The folder `path`; make: with all above it, as archives may leave them out."""
        try:
            return openat2(self._root, path or b".", _FOLDER, self._resolve)
        except KernelError as error:
            if error.errno == ELOOP:
                raise EscapingPath(f"{shown(path)!r} leads through a link, which cp does not follow") from None
            if error.errno != ENOENT or not make:
                raise OSError(error.errno, os.strerror(error.errno)) from None
        above = b""
        for name in path.split(b"/"):
            folder = self._open(above)
            try:
                os.mkdir(name, 0o755, dir_fd=folder)
            except FileExistsError:
                pass  # what it is, the next opening says
            finally:
                os.close(folder)
            above = join(above, name)
        return self._open(path)

    def _finish(self, descriptor: int, entry: Entry) -> None:
        if self._owners:
            os.fchown(descriptor, entry.uid, entry.gid)
        os.fchmod(descriptor, entry.mode & self._modes)
        os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))

    @staticmethod
    def _is_folder(folder: int, name: bytes) -> bool:
        try:
            return S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return False

    @staticmethod
    def _explained(path: bytes, error: OSError) -> Exception:
        if error.errno == EISDIR:
            return ArchiveError(f"cannot overwrite directory {shown(path)!r} with non-directory; remove it first")
        if error.errno in (EEXIST, ENOTDIR):
            return ArchiveError(f"cannot overwrite non-directory {shown(path)!r} with directory; remove it first")
        if error.errno == EINVAL:
            return ArchiveError(f"{shown(path)!r} has an owner that is not to be had here; leave -a out")
        return ArchiveError(f"{shown(path)!r} cannot be written: {error.strerror}")
