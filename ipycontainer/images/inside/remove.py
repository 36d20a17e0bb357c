"""The job `images.remove`: trees go away, whoever their files belong to, and no link is ever followed.

Only in the store namespace may files of subordinate ids be removed.
"""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError, StoreError
from ipycontainer.linux import forks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.launcher.wire import Channel

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 100
_SIGKILL = 9
# With fewer names than this a child costs more than it wins.
ALONE = 1000


def remove(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """Remove `names` from the folder that is the one descriptor; names that are not there are no error."""
    for name in request["names"]:
        if "/" in name or name in ("", ".", ".."):
            raise StoreError(f"{name!r} is not the name of something in the store")
        remove_tree(descriptors[0], os.fsencode(name))
    return {}


def remove_tree(folder: int, name: bytes) -> None:
    """Remove `name` in `folder` with all that is in it.

    Each open folder costs a descriptor, and a container can nest folders deeper than there are descriptors, and as
    many of them beside each other: what lies too deep is at once moved up, beside `name`.
    """
    removal = _Removal(folder, name)
    try:
        removal.run()
    finally:
        removal.let_helper_go()


class _Removal:
    """One process's way through a tree, which others may remove at the same time.

    A large tree is removed from both ends: a child begins with what comes last.  Nearly all the time goes into the
    kernel, where two of them hinder each other only in the same folder.
    """

    def __init__(self, folder: int, name: bytes, backwards: bool = False) -> None:
        self._folder = folder
        self._name = name
        self._backwards = backwards
        self._met = 0
        self._helper = 0
        self._aside: list[bytes] = []
        self._moved = 0

    def run(self) -> None:
        """All of it."""
        self._aside = [self._name]
        while self._aside:
            current = self._aside.pop()
            try:
                os.unlink(current, dir_fd=self._folder)
                continue
            except FileNotFoundError:
                continue
            except (IsADirectoryError, PermissionError):
                pass
            try:
                self._empty(self._folder, current, _DEEPEST)
                _gone(os.rmdir, current, self._folder)
            except OSError as error:
                raise KernelError("unlinkat", error.errno or 0, os.fsdecode(current)) from None

    def let_helper_go(self) -> None:
        """It finds nothing more, or is not to go on alone."""
        if self._helper:
            os.kill(self._helper, _SIGKILL)
            os.waitpid(self._helper, 0)

    def _empty(self, folder: int, name: bytes, depth: int) -> bool:
        """Remove what is in `name`; whether all of it is gone, or has been moved aside."""
        try:
            descriptor = os.open(name, _FLAGS, dir_fd=folder)
        except FileNotFoundError:
            return True  # somebody else removes the same tree
        is_empty = True
        try:
            with os.scandir(descriptor) as found:
                entries = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in found]
            self._note(len(entries))
            for inner, is_directory in reversed(entries) if self._backwards else entries:
                if not is_directory:
                    _gone(os.unlink, inner, descriptor)
                elif depth == 0:
                    is_empty = self._move_aside(descriptor, inner) and is_empty
                elif self._empty(descriptor, inner, depth - 1):
                    _gone(os.rmdir, inner, descriptor)
                else:
                    is_empty = False
        finally:
            os.close(descriptor)
        return is_empty

    def _move_aside(self, folder: int, inner: bytes) -> bool:
        """Whether it was; what lies too deep a helper leaves: two of them would take the same names for it."""
        if self._backwards:
            return False
        self._moved += 1
        aside = b"%b.deep-%d-%d" % (self._name, os.getpid(), self._moved)  # one that was killed may have left some
        try:
            os.rename(inner, aside, src_dir_fd=folder, dst_dir_fd=self._folder)
        except FileNotFoundError:
            return True
        self._aside.append(aside)
        return True

    def _note(self, count: int) -> None:
        self._met += count
        if self._met > ALONE and not self._helper and not self._backwards:
            job = os.getpid()
            self._helper = os.fork()
            if not self._helper:
                forks.live(lambda: self._help(job))

    def _help(self, job: int) -> None:
        forks.die_with(job)
        _Removal(self._folder, self._name, backwards=True)._empty(self._folder, self._name, _DEEPEST)


def _gone(remove_name: Callable[..., None], name: bytes, folder: int) -> None:
    """unlink or rmdir, where somebody else may have been first."""
    try:
        remove_name(name, dir_fd=folder)
    except FileNotFoundError:
        pass
