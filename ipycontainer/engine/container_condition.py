"""How a container is: read anew at every look."""

from __future__ import annotations

import os

from ipycontainer.engine.container_identity import Identity
from ipycontainer.engine.status_text import status_text
from ipycontainer.errors import NoSuchContainer
from ipycontainer.runtime.container_state import CREATED, State, read_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.health import Health

REMOVED = "removed"


class Condition(Identity):
    """A container's state and health now."""

    def state(self, seen: tuple[bool, dict[str, Any]] | None = None) -> State:
        """Its state now.  seen: what `alive.look` has found in its run folder a moment ago."""
        return read_state(self.folder, self.run_folder, seen)

    @property
    def status(self) -> str:
        """created, running, paused, restarting, exited, unknown (its monitor was killed), or removed."""
        status = self.state().status
        return REMOVED if status == CREATED and not os.path.isdir(self.folder) else status

    def must_be_there(self) -> None:
        """Raises NoSuchContainer where it was removed."""
        if not os.path.isdir(self.folder):
            raise NoSuchContainer(f"No such container: {self.name}")

    @property
    def was_never_started(self) -> bool:
        """It is made, and waits for its first start; one that --rm has just taken away is not."""
        return self.status == CREATED

    @property
    def status_text(self) -> str:
        """docker's STATUS column."""
        state = self.state()
        if state.status == CREATED and not os.path.isdir(self.folder):
            return "Removed"
        return status_text(state, health=self.health_words(state))

    def health_words(self, state: State) -> str:
        """docker's words for its health in this state; "" where it has no health check."""
        if "healthcheck" not in self._config:
            return ""
        from ipycontainer.engine.health import status_words

        health = self._health(state)
        return status_words(health) if health else ""

    @property
    def health(self) -> Health | None:
        """What its health check has found; None where it has none, or was never started."""
        return self._health(self.state()) if "healthcheck" in self._config else None

    def _health(self, state: State) -> Health | None:
        from ipycontainer.engine.health import read_health

        return read_health(self._config, state, self.folder, self.run_folder)

    @property
    def pid(self) -> int:
        """PID 1's number on the host; 0 unless it runs."""
        return self.state().pid

    @property
    def exit_code(self) -> int | None:
        """None until it has ended, and where nobody knows."""
        return self.state().exit_code
