"""Removing a tree through directory descriptors, so that a link in it leads nowhere."""

from __future__ import annotations

import errno
import os

from ipycontainer.errors import KernelError


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
        _empty(path, None, path)
        os.rmdir(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise KernelError("rmdir", error.errno or 0, path) from None


def _empty(name: str, parent: int | None, shown: str) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(name, flags, dir_fd=parent)
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for child, is_folder in found:
            if is_folder:
                _empty(child, folder, f"{shown}/{child}")
                os.rmdir(child, dir_fd=folder)
            else:
                _unlink(child, folder)
    finally:
        os.close(folder)


def _unlink(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
