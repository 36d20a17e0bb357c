"""What overlayfs shows of layers that lie on each other, read without mounting anything.

A stack looks at one folder at a time: it opens that folder in every layer that
still counts there, so a stack of 500 layers needs 500 descriptors for a moment
and no more, and a container that goes on meanwhile is not disturbed.
"""

from __future__ import annotations

import os
from errno import ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR
from stat import S_ISDIR, S_ISREG

from ipycontainer.errors import KernelError, StoreError
from ipycontainer.images.inside import whiteouts
from ipycontainer.images.inside.tar_entry import shown
from ipycontainer.linux.descriptors import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_INSIDE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
VANISHED = (ENOENT, ENOTDIR, ELOOP)
"""What opening a folder says that a container removed or replaced while we looked."""


class Shown:
    """One name in a folder of the stack: which layer it comes from, and which go on below it if it is a folder."""

    __slots__ = ("below", "layer", "stat")

    def __init__(self, layer: int, stat: os.stat_result) -> None:
        self.layer = layer
        self.stat = stat
        self.below: list[int] = []


class Stack:
    """Layers by the descriptors of their roots, the top one first; mode: how this store says "opaque"."""

    def __init__(self, roots: Sequence[int], mode: str) -> None:
        self.roots = tuple(roots)
        self._opaque = whiteouts.opaque_attribute(mode)

    @property
    def all(self) -> list[int]:
        """Every layer: those that count in the root folder."""
        return list(range(len(self.roots)))

    def folder(self, layer: int, path: bytes) -> int:
        """A descriptor of the folder `path` of one layer; no link is followed on the way."""
        return open_folder(self.roots[layer], path)

    def look(self, path: bytes, layers: Iterable[int], names: Iterable[bytes] | None = None) -> dict[bytes, Shown]:
        """The names (or those of `names` that are there) in the folder `path`, to which `layers` contribute."""
        found: dict[bytes, Shown] = {}
        closed: set[bytes] = set()  # what is gone below, or hidden by what is no folder
        for layer in layers:
            try:
                descriptor = self.folder(layer, path)
            except KernelError as error:
                if error.errno in VANISHED:
                    continue
                raise
            try:
                for name in os.listdir(descriptor) if names is None else names:
                    self._meet(os.fsencode(name), layer, descriptor, found, closed)
            finally:
                os.close(descriptor)
        return found

    def look_raw(self, path: bytes) -> dict[bytes, os.stat_result]:
        """What lies in the folder `path` of the top layer, whiteouts included; nothing where it is there no longer."""
        try:
            descriptor = self.folder(0, path)
        except KernelError as error:
            if error.errno in VANISHED:
                return {}
            raise
        try:
            found = {}
            for name in os.listdir(descriptor):
                try:
                    found[os.fsencode(name)] = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                except FileNotFoundError:
                    continue  # a container removed it while we looked
            return found
        finally:
            os.close(descriptor)

    def _meet(self, name: bytes, layer: int, folder: int, found: dict[bytes, Shown], closed: set[bytes]) -> None:
        if name in closed:
            return
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        known = found.get(name)
        if whiteouts.is_whiteout(status) or (known and not S_ISDIR(status.st_mode)):
            closed.add(name)
            return
        if known is None:
            known = found[name] = Shown(layer, status)
        if not S_ISDIR(status.st_mode):
            closed.add(name)
            return
        known.below.append(layer)
        if self.is_opaque(folder, name):
            closed.add(name)

    def is_opaque(self, folder: int, name: bytes) -> bool:
        """Whether the folder `name` hides what lies below it."""
        try:
            # Through /proc, since there is no getxattrat(2) before Linux 6.13; `name` is a folder and no link.
            return os.getxattr(f"/proc/self/fd/{folder}/{os.fsdecode(name)}", self._opaque, follow_symlinks=False) in (
                b"y",
                b"x",
            )
        except OSError:
            return False

    def walk(self) -> Iterator[tuple[bytes, bytes, Shown]]:
        """(folder, name, what is shown) of everything, in a fixed order: a folder before what is in it."""
        pending = [(b"", self.all)]
        while pending:
            path, layers = pending.pop()
            shown = self.look(path, layers)
            deeper = []
            for name in sorted(shown):
                yield path, name, shown[name]
                if shown[name].below:
                    deeper.append((join(path, name), shown[name].below))
            pending += reversed(deeper)


def join(path: bytes, name: bytes) -> bytes:
    """The name below the folder."""
    return path + b"/" + name if path else name


def open_folder(root: int, path: bytes) -> int:
    """A descriptor of the folder `path` below `root`; no link is followed on the way."""
    try:
        return openat2(root, path or b".", DIRECTORY, _INSIDE)
    except KernelError as error:
        if error.errno != ENAMETOOLONG:
            raise
        # Whoever goes down step by step can nest folders deeper than a path can say.
        raise StoreError(
            f"the folder {shown(path)!r} lies too deep: its path has {len(path)} bytes, and none of more than 4095 can"
            " be read; remove it, or move it up"
        ) from None


def open_file(folder: int, name: bytes) -> int:
    """A descriptor for reading the regular file `name`, and never anything else.

    A container that still runs could put a device's node in its place between a look and the opening, and what
    opens here is not held back by the container's rules: so the name is pinned first (O_PATH) and judged then.
    """
    pinned = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not S_ISREG(os.fstat(pinned).st_mode):
            raise StoreError("a file became something else while it was read; stop the container and try again")
        return reopen(pinned, os.O_RDONLY, name)
    finally:
        os.close(pinned)


def reopen(pinned: int, flags: int, name: bytes) -> int:
    """A descriptor of what `pinned` (O_PATH) names; name: what an OSError calls it."""
    try:
        return os.open(f"/proc/self/fd/{pinned}", flags | os.O_CLOEXEC)
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None
