"""Removing by name what a container left: idempotent, so anyone may do it after any kind of death."""

from __future__ import annotations

import os

from ipycontainer.errors import WrongState
from ipycontainer.json_text import loads
from ipycontainer.linux import cgroups, locks, trees
from ipycontainer.runtime.inside import life

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.launcher.wire import Channel
    from ipycontainer.runtime.launch import Launch


def sweep_cgroups(leaves: Sequence[str]) -> None:
    """Remove the container's cgroups; processes that are still ending are waited for."""
    if leaves:
        cgroups.remove(leaves)


def remove_container(launch: Launch) -> None:
    """Remove the container's folder and its name.  The name goes first: a folder without one is found by its id."""
    remove_folder(launch.folder, launch.names, launch.name, launch.id)


def remove_folder(folder: str, names: str, name: str, container: str) -> None:
    """Remove `folder`, and the link `name` if it is this container's."""
    link = os.path.join(names, name)
    try:
        if name and os.readlink(link) == container:
            os.unlink(link)
    except FileNotFoundError:
        pass
    trees.remove(folder)


def sweep(request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """The job "sweep": remove what the container with this run folder left in the kernel; with "remove", all of it.

    request: run, and for removal folder, names, name, id.  Raises WrongState while its monitor lives.
    """
    run = str(request["run"])
    existed = os.path.isdir(run)
    if existed or request.get("remove"):
        lock = life.claim(run)
        try:
            leaves = named_cgroups(run)
            if leaves:
                cgroups.kill_all(leaves)
                cgroups.remove(leaves)
            if request.get("remove"):
                remove_folder(request["folder"], request["names"], request["name"], request["id"])
            trees.remove(run)
        finally:
            os.close(lock)
    return {"swept": existed}


def named_cgroups(run: str) -> list[str]:
    """The cgroups whose names were written down before they were made."""
    try:
        with open(os.path.join(run, "cgroups"), encoding="utf-8") as file:
            return [line for line in file.read().splitlines() if line]
    except FileNotFoundError:
        return []


def living_state(run: str) -> dict[str, Any]:
    """The state of a living container.  Raises WrongState when it is not running."""
    if not locks.is_held(os.path.join(run, "alive")):
        raise WrongState("the container is not running")
    try:
        with open(os.path.join(run, "state.json"), encoding="utf-8") as file:
            found: dict[str, Any] = loads(file.read())
    except FileNotFoundError:
        raise WrongState("the container is not running yet, or not any more") from None
    return found
