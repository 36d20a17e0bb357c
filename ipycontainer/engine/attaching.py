"""Joining a container that runs: what it says from now on, what we type, its signals, its exit code."""

from __future__ import annotations

from ipycontainer.errors import WrongState
from ipycontainer.runtime import lifecycle
from ipycontainer.runtime.container_state import PAUSED, RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.engine.container import Container
    from ipycontainer.runtime.attachment import Attachment


def attach(container: Container, stdin: bool, size: tuple[int, int] | None) -> Attachment:
    """An Attachment, one of any number; size: (rows, columns) of the terminal in front of us.

    Raises WrongState, in docker's words, unless it runs.
    """
    status = container.status
    if status == PAUSED:
        raise WrongState("You cannot attach to a paused container, unpause it first")
    if status != RUNNING:
        raise WrongState(lifecycle.STOPPED)
    attachment = lifecycle.attach(container.run_folder, stdin and has_input(container))
    container.engine.journal.append("container", "attach", container.id, container.told)
    if size is not None and has_terminal(container):
        # What is on the screen there is drawn anew when the size changes, and only then.
        rows, columns = size
        attachment.resize(rows + 1, columns + 1)
        attachment.resize(rows, columns)
    return attachment


def has_terminal(container: Container) -> bool:
    """Whether it was made with -t."""
    return bool(container.config["request"]["tty"])


def has_input(container: Container) -> bool:
    """Whether it was made with -i."""
    return bool(container.config["request"]["interactive"])
