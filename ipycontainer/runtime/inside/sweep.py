"""Removing by name what a container left: idempotent, so anyone may do it after any kind of death."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError, WrongState
from ipycontainer.launcher import alive
from ipycontainer.linux import cgroups, trees
from ipycontainer.runtime.inside import life

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.launcher.wire import Channel


def sweep_cgroups(leaves: Sequence[str]) -> None:
    """Remove the container's cgroups; processes that are still ending are waited for."""
    if leaves:
        cgroups.remove(leaves)


def discard(folder: str, trash: str, names: str, name: str, container: str) -> str:
    """Let the container vanish in one instant: its name goes, its folder is renamed away; gives where to.

    Removing the tree takes longer and is the caller's; after a kill -9 the next launcher does it.
    """
    link = os.path.join(names, name)
    try:
        if name and os.readlink(link) == container:
            os.unlink(link)
    except FileNotFoundError:
        pass
    gone = os.path.join(trash, container)
    try:
        os.makedirs(trash, 0o700, exist_ok=True)
        os.rename(folder, gone)
    except FileNotFoundError:
        pass  # somebody else has removed it
    except OSError as error:
        raise KernelError("rename", error.errno or 0, folder) from None
    return gone


def empty_trash(root: str) -> None:
    """Remove what a killed process left in the trash of the store at `root`."""
    trash = os.path.join(root, "trash")
    try:
        names = os.listdir(trash)
    except FileNotFoundError:
        return
    for name in names:
        trees.remove(os.path.join(trash, name))


def sweep(request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """The job "sweep": remove what the container with this run folder left in the kernel; with "remove", all of it.

    request: run, and for removal folder, trash, names, name, id.  Raises WrongState while its monitor lives.
    """
    run = str(request["run"])
    existed = os.path.isdir(run)
    if existed or request.get("remove"):
        lock = life.claim(run)
        try:
            leaves = alive.read(run).get("cgroups", [])
            if leaves:
                cgroups.kill_all(leaves)
                cgroups.remove(leaves)
            if request.get("remove"):
                fields = [str(request[key]) for key in ("folder", "trash", "names", "name", "id")]
                trees.remove(discard(*fields))
            trees.remove(run)
        finally:
            os.close(lock)
    return {"swept": existed}


def living_state(run: str) -> dict[str, Any]:
    """The state of a living container.  Raises WrongState when it is not running."""
    state = alive.read(run) if alive.is_alive(run) else {}
    if "pid" not in state:
        raise WrongState("the container is not running")
    return state
