"""Removing a tree through directory descriptors, so that a link in it leads nowhere."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError

# Whoever wrote the tree chose its depth: beyond this one (a descriptor and a frame each) it is cut apart.
_DEEPEST = 64


def remove(path: str) -> None:
    """Remove `path` and everything below it; what is not there, or "", is no error.

    Links are removed, never followed: each folder is opened with O_NOFOLLOW from its parent's descriptor.
    """
    if not path:
        return
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        pass
    except OSError as error:
        raise KernelError("unlink", error.errno or 0, path) from None
    else:
        return
    try:
        top = _open(path, None)
    except FileNotFoundError:
        return
    except OSError as error:
        raise KernelError("open", error.errno or 0, path) from None
    try:
        _Removal(top).run()
        os.rmdir(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise KernelError("remove", error.errno or 0, f"{path} ({error.filename or 'itself'} in it)") from None
    finally:
        os.close(top)


class _Removal:
    """Empties the folder `top`.  A folder that lies too deep is moved up beside the others, and has its turn."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._moved = 0

    def run(self) -> None:
        before = -1
        while before != self._moved:
            before = self._moved
            self._empty(self._top, 0)

    def _empty(self, folder: int, depth: int) -> None:
        # Read to the end first: what is moved up meanwhile would be met twice.
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, is_folder in found:
            try:
                if not is_folder:
                    os.unlink(name, dir_fd=folder)
                elif depth == _DEEPEST:
                    self._moved += 1
                    os.rename(name, f".removed-{os.getpid()}-{self._moved}", src_dir_fd=folder, dst_dir_fd=self._top)
                else:
                    self._remove_folder(name, folder, depth)
            except FileNotFoundError:
                continue  # somebody else removes it too

    def _remove_folder(self, name: str, parent: int, depth: int) -> None:
        folder = _open(name, parent)
        try:
            self._empty(folder, depth + 1)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=parent)


def _open(name: str, parent: int | None) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
