"""The folders of a tree that is being unpacked, each found once, by descriptor.

A name is never handed to the kernel as a whole: its folder is opened beneath
the tree's root with openat2(2), which refuses every way out (`..`, absolute
links, links that climb, /proc's magic links) while it walks, so nothing can be
swapped between a check and its use.
"""

from __future__ import annotations

import os
from errno import EEXIST, ELOOP, ENOENT, ENOTDIR, EXDEV

from ipycontainer.errors import ArchiveError, EscapingPath, KernelError
from ipycontainer.images.inside.tar_entry import shown
from ipycontainer.linux.descriptors import RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, openat2

_MOST_OPEN = 512
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Places:
    """Descriptors of the folders below `root`; guarded=False takes away the kernel's help (for tests)."""

    def __init__(self, root: int, guarded: bool = True) -> None:
        self.root = root
        self._resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS if guarded else 0
        self._open: dict[bytes, int] = {}

    def folder(self, path: bytes, create: bool = True) -> int:
        """A descriptor of the folder `path`; folders that no entry has named so far are made if `create`."""
        # One after another, as an archive can name a folder two thousand levels deep and none of those above it.
        missing: list[bytes] = []
        while (found := self._find(path, create)) is None:
            missing.append(path)
            path = path.rpartition(b"/")[0]
        while missing:
            path = missing.pop()
            found = self._keep(path, self._make(found, path))
        return found

    def _find(self, path: bytes, create: bool) -> int | None:
        """A descriptor of the folder; None where there is none but may be made."""
        if not path:
            return self.root
        if path in self._open:
            return self._open[path]
        try:
            return self._keep(path, openat2(self.root, path, _FLAGS, self._resolve))
        except KernelError as error:
            if error.errno == EXDEV:
                raise EscapingPath(
                    f"{shown(path)!r} leads out of the layer through a link; nothing of this layer was kept"
                ) from None
            if error.errno in (ENOTDIR, ELOOP):
                raise ArchiveError(f"{shown(path)!r} is used as a folder, but the layer says it is none") from None
            if error.errno != ENOENT or not create:
                raise OSError(error.errno, os.strerror(error.errno)) from None
            return None

    def _keep(self, path: bytes, descriptor: int) -> int:
        if len(self._open) >= _MOST_OPEN:
            self.forget()
        self._open[path] = descriptor
        return descriptor

    def _make(self, parent: int, path: bytes) -> int:
        name = path.rpartition(b"/")[2]
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except OSError as error:
            if error.errno == EEXIST:  # a dangling link
                raise ArchiveError(f"{shown(path)!r} is used as a folder, but the layer says it is none") from None
            raise
        return os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=parent)

    def forget(self) -> None:
        """Close all descriptors, for there are too many or a folder was replaced."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
