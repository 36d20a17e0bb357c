"""The first use of an empty volume: what the image has at its place is copied into it.

    volumes/NAME/filling   the copy, while it is made; whoever has the volume's lock and finds one begins again
    volumes/NAME/filled    the whole copy, on disk, while its names move into _data; whoever finds one goes on moving

The lock is the kernel's, on the volume's folder (flock(2)): of two starts at once the second waits, and finds the
volume filled.  A container that uses the volume already keeps what it has made there: no name of it is replaced.

The image may say anything: its path is resolved by the kernel with the container's root as its end, and below that
folder no link is followed.
"""

from __future__ import annotations

import fcntl
import os
from errno import EEXIST, EINVAL, ELOOP, ENODATA, ENOENT, ENOTDIR, ENOTSUP, ENXIO, EPERM
from stat import S_IMODE, S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISLNK, S_ISREG

from ipycontainer.errors import KernelError
from ipycontainer.linux import descriptors, durability, renames, trees
from ipycontainer.runtime.inside.volumes import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FILLING, FILLED = "filling", "filled"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_BELOW = descriptors.RESOLVE_BENEATH | descriptors.RESOLVE_NO_SYMLINKS
_PIECE = 1 << 20


def fill(root: int, path: str, folder: str, guard: bool = True) -> None:
    """Copy what is at `path` below the descriptor `root` into the volume at `folder`, if that is empty.

    guard: off only in the test that shows what it is for.  Raises KernelError, OSError; nothing is half there then.
    """
    lock = os.open(folder, _FOLDER)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(os.path.join(folder, FILLED)):
            trees.remove(os.path.join(folder, FILLING))
            if os.listdir(os.path.join(folder, DATA)):
                return
            source = _open_source(root, path, guard)
            if source < 0:
                return
            try:
                copy_all(source, folder)
            finally:
                os.close(source)
        move_in(folder)
    finally:
        os.close(lock)


def _open_source(root: int, path: str, guard: bool) -> int:
    """The image's folder; -1 where it has none there, or what is there is another mount's."""
    try:
        if guard:
            found = descriptors.open_in_root(root, path, _FOLDER)
        else:
            found = os.open(path.lstrip("/"), _FOLDER, dir_fd=root)
    except (KernelError, OSError) as error:
        if error.errno in (ENOENT, ENOTDIR, ELOOP):
            return -1
        raise
    if guard and os.fstat(found).st_dev != os.fstat(root).st_dev:
        os.close(found)
        return -1
    return found


def copy_all(source: int, folder: str) -> None:
    """The whole copy, under its temporary name and then, on disk, under its last."""
    filling = os.path.join(folder, FILLING)
    os.mkdir(filling, 0o700)
    copy = os.open(filling, _FOLDER)
    try:
        _Copy(source, copy).run()
        durability.syncfs(copy)
    finally:
        os.close(copy)
    os.rename(filling, os.path.join(folder, FILLED))


def move_in(folder: str) -> None:
    """The names of the whole copy into the volume; what somebody has made there meanwhile stays."""
    filled, data = os.path.join(folder, FILLED), os.path.join(folder, DATA)
    for name in sorted(os.listdir(filled)):
        try:
            renames.rename_new(os.path.join(filled, name), os.path.join(data, name))
        except KernelError as error:
            if error.errno not in (EEXIST, ENOENT):
                raise
    top = os.open(filled, _FOLDER)
    into = os.open(data, _FOLDER)
    try:
        _copy_attributes(top, into, os.fstat(top))
        os.fsync(into)
    finally:
        os.close(top)
        os.close(into)
    trees.remove(filled)


class _Copy:
    """Copies all that is below the folder `source` to below the folder `copy`, and that folder's own attributes."""

    def __init__(self, source: int, copy: int) -> None:
        self._source = source
        self._copy = copy
        self._links: dict[tuple[int, int], str] = {}

    def run(self) -> None:
        pending, folders = [""], [""]
        while pending:
            path = pending.pop()
            here, there = self._open(self._source, path), self._open(self._copy, path)
            try:
                for name in os.listdir(here):
                    inner = f"{path}/{name}" if path else name
                    if self._one(here, there, name, inner):
                        pending.append(inner)
                        folders.append(inner)
            finally:
                os.close(here)
                os.close(there)
        # Last, when nothing is put into them any more.
        for path in reversed(folders):
            here, there = self._open(self._source, path), self._open(self._copy, path)
            try:
                _copy_attributes(here, there, os.fstat(here))
            finally:
                os.close(here)
                os.close(there)

    @staticmethod
    def _open(top: int, path: str) -> int:
        return descriptors.openat2(top, path or ".", _FOLDER, _BELOW)

    def _one(self, here: int, there: int, name: str, path: str) -> bool:
        """One name; whether it is a folder."""
        status = os.stat(name, dir_fd=here, follow_symlinks=False)
        mode = status.st_mode
        if S_ISDIR(mode):
            os.mkdir(name, 0o700, dir_fd=there)
            return True
        if status.st_nlink > 1:
            first = self._links.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                os.link(first, name, src_dir_fd=self._copy, dst_dir_fd=there, follow_symlinks=False)
                return False
        if S_ISREG(mode):
            self._file(here, there, name, status)
        elif S_ISLNK(mode):
            os.symlink(os.readlink(name, dir_fd=here), name, dir_fd=there)
            _give(lambda: os.chown(name, status.st_uid, status.st_gid, dir_fd=there, follow_symlinks=False))
            times = status.st_atime_ns, status.st_mtime_ns
            os.utime(name, ns=times, dir_fd=there, follow_symlinks=False)
        elif S_ISFIFO(mode) or S_ISCHR(mode) or S_ISBLK(mode):
            _node(there, name, status)
        return False  # a socket is its server's, and means nothing without it

    @staticmethod
    def _file(here: int, there: int, name: str, status: os.stat_result) -> None:
        source = os.open(name, _READ, dir_fd=here)
        copy = os.open(name, _CREATE, 0o600, dir_fd=there)
        try:
            _copy_content(source, copy, status.st_size)
            _copy_attributes(source, copy, status)
        finally:
            os.close(source)
            os.close(copy)


def _copy_content(source: int, copy: int, size: int) -> None:
    """Where the source has data; its holes stay holes."""
    at = 0
    while at < size:
        try:
            start = os.lseek(source, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == ENXIO:
                break  # a hole up to its end
            raise
        at = os.lseek(source, start, os.SEEK_HOLE)
        os.lseek(copy, start, os.SEEK_SET)
        while start < at:
            sent = os.sendfile(copy, source, start, min(_PIECE, at - start))
            if not sent:
                break
            start += sent
    os.ftruncate(copy, size)


def _copy_attributes(source: int, copy: int, status: os.stat_result) -> None:
    """Owner, then mode (a change of owner takes set-user-ID away), extended attributes, times."""
    _give(lambda: os.chown(copy, status.st_uid, status.st_gid))
    os.chmod(copy, S_IMODE(status.st_mode))
    for name in _attributes(source):
        try:
            os.setxattr(copy, name, os.getxattr(source, name))
        except OSError as error:
            if error.errno not in (EPERM, ENOTSUP, ENODATA, EINVAL):
                raise
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))


def _attributes(source: int) -> list[str]:
    """Those of programs and of capabilities; labels and overlay's own are the host's."""
    try:
        names = os.listxattr(source)
    except OSError:
        return []
    kept = ("user.", "security.capability", "system.posix_acl")
    return [name for name in names if name.startswith(kept) and not name.startswith("user.overlay.")]


def _node(there: int, name: str, status: os.stat_result) -> None:
    """A pipe, or a device where this account may make one."""
    try:
        os.mknod(name, status.st_mode, status.st_rdev, dir_fd=there)
    except PermissionError:
        return  # in a user namespace there are none but the host's, bound
    _give(lambda: os.chown(name, status.st_uid, status.st_gid, dir_fd=there, follow_symlinks=False))
    os.chmod(name, S_IMODE(status.st_mode), dir_fd=there)


def _give(chown: Callable[[], None]) -> None:
    """An owner, where this account's containers have it."""
    try:
        chown()
    except OSError as error:
        if error.errno not in (EINVAL, EPERM):
            raise
