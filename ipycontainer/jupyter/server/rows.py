"""Containers, images, volumes and what is used, as the side bar gets them."""

from __future__ import annotations

from ipycontainer.jupyter.server.plain import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.image import Image
    from ipycontainer.engine.usage import Reading
    from ipycontainer.engine.volume import Volume
    from ipycontainer.runtime.container_state import State


def container_row(container: Container) -> dict[str, Any]:
    """One container; times are seconds since the epoch, sizes bytes."""
    state = container.state()
    asked = container.config["request"]
    return {
        "id": container.id,
        "name": printable(container.name or container.short_id),
        "image": printable(container.image),
        "command": printable(" ".join(container.command), 200),
        "status": "running" if state.runs else state.status,
        "condition": _condition(container, state),
        "created": container.created,
        "started": state.started,
        "finished": state.finished,
        "exit_code": state.exit_code,
        "oom_killed": state.oom_killed,
        "error": printable(state.error),
        "removes_itself": bool(asked["remove"]),
    }


def _condition(container: Container, state: State) -> str:
    """What is to be said of one that runs: paused, restarting, or docker's word for its health."""
    if not state.runs:
        return ""
    return container.health_words(state) if state.status == "running" else state.status


def image_row(image: Image, used: int) -> dict[str, Any]:
    """One image; used: how many containers were made from it."""
    return {
        "id": image.id,
        "names": [printable(name) for name in image.names],
        "created": image.created,
        "size": image.size,
        "used": used,
    }


def volume_row(volume: Volume, used: int) -> dict[str, Any]:
    """One volume; used: how many containers use it."""
    return {
        "id": volume.name,
        "name": printable(volume.name),
        "created": volume.created,
        "anonymous": volume.is_anonymous,
        "used": used,
    }


def usage_row(found: Reading) -> dict[str, Any]:
    """What a running container uses; null where this machine does not count it."""
    return {
        "memory": found.memory,
        "memory_limit": found.memory_max,
        "cpu_usec": found.cpu_usec,
        "pids": found.pids_current,
    }
