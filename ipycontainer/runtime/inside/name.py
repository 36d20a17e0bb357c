"""What a container is called now: it may have been renamed since its monitor was told."""

from __future__ import annotations

import fcntl
import os


def lock(names: str) -> int:
    """Keep everybody else from renaming until the descriptor is closed: a listing can miss what is just being moved."""
    descriptor = os.open(names, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def current(names: str, name: str, container: str) -> str:
    """The container's name in the folder `names`, where it was `name` once; "" if it has none (any more)."""
    if name and _owner(names, name) == container:
        return name
    try:
        held = lock(names)
    except OSError:
        return ""
    try:
        return listed(names, container)
    finally:
        os.close(held)


def listed(names: str, container: str) -> str:
    """The same by looking through all of them; the caller holds the lock."""
    return next((found for found in os.listdir(names) if _owner(names, found) == container), "")


def give_up(names: str, name: str, container: str) -> bool:
    """Remove the container's name, also while somebody is renaming it; whether it had one."""
    while found := current(names, name, container):
        try:
            os.unlink(os.path.join(names, found))
        except FileNotFoundError:
            continue  # renamed between two looks
        return True
    return False


def _owner(names: str, name: str) -> str:
    try:
        return os.readlink(os.path.join(names, name))
    except OSError:
        return ""  # gone, or nothing of ours
