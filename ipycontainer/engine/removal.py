"""Removing a container, while others may look, sweep or remove."""

from __future__ import annotations

import os
import time

from ipycontainer.engine.transitions import kill_and_wait, killing
from ipycontainer.errors import WrongState
from ipycontainer.runtime import lifecycle
from ipycontainer.runtime.container_state import EXITED, PAUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.container import Container

_PATIENCE = 10.0


def remove(container: Container, force: bool, volumes: bool = False) -> None:
    """Its folder, its name, and what it left in the kernel."""
    state = container.state()
    if state.runs:
        if not force:
            raise WrongState(_refusal(container, state.status))
    elif state.status == EXITED:
        # Its monitor may still be busy with the last lines of its record.
        lifecycle.wait(container.folder, container.run_folder, 10.0)
    if not os.path.isdir(container.folder):
        return  # --rm was faster
    engine = container.engine
    request: dict[str, Any] = {
        "run": container.run_folder,
        "folder": container.folder,
        "trash": os.path.join(engine.root, "trash"),
        "names": engine.directory.names_folder,
        "name": container.name,
        "id": container.id,
        # In the same job: to fork another is a good part of what a removal costs.
        **({"kill": killing(container)} if state.runs else {}),
    }
    if volumes:
        used = container.config["request"]["volumes"]
        request["volumes"] = [item["name"] for item in used if item["anonymous"]]
        request["journal"] = engine.journal.path
    if not _delete(container, request, force):
        return  # somebody else was faster
    engine.journal.append("container", "destroy", container.id, container.told)


def _refusal(container: Container, status: str) -> str:
    if status == PAUSED:
        return (
            f"You cannot remove a paused container {container.id}. "
            "Unpause and then stop the container before attempting removal or force remove"
        )
    return (
        f"You cannot remove a {status} container {container.id}. "
        "Stop the container before attempting removal or force remove"
    )


def _delete(container: Container, request: dict[str, Any], force: bool) -> bool:
    """Whether it was us who removed it: somebody who looks or removes may be sweeping it at this moment."""
    deadline = time.monotonic() + _PATIENCE
    while os.path.isdir(container.folder):
        try:
            return lifecycle.delete(container.engine.launcher, request)
        except WrongState:
            request.pop("kill", None)
            if time.monotonic() > deadline:
                raise
            if container.state().runs:
                # It was just being started when we looked.
                if not force:
                    raise
                kill_and_wait(container)
            time.sleep(0.005)
    return False
