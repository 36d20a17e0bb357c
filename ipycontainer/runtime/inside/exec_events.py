"""What the journal says of one more program in a container: docker's exec_create, exec_start and exec_die.

Written by the program's parent alone, which knows its end: the job "exec", or the process between a monitor and its
probe.  The first two are written while the program is on its way, whatever becomes of it; exec_die only of one that
has run, before anybody is told its exit code.  A parent that was killed leaves no exec_die: nobody knows that end.
"""

from __future__ import annotations

import os

from ipycontainer.runtime.inside import name as naming
from ipycontainer.runtime.inside.charge import image_of, labels_of
from ipycontainer.runtime.inside.journal import append

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.runtime.inside.journal import Entry
    from ipycontainer.runtime.launch import Launch


class ExecEvents:
    """Of one program, which has an id of its own: `launch` is the exec's."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._attributes = {
            **labels_of(launch),
            "execID": os.urandom(32).hex(),
            "image": image_of(launch),
            "name": naming.current(launch.names, launch.name, launch.id) or launch.name,
        }

    def beginnings(self) -> list[Entry]:
        """What `begin` writes."""
        first, *rest = self._launch.spec["process"]["args"]
        words = f"{first} {' '.join(rest)}"  # docker's, with the blank after a word that stands alone
        return [self._entry(f"exec_create: {words}"), self._entry(f"exec_start: {words}")]

    def begin(self) -> None:
        """It is on its way."""
        append(self._launch.journal, self.beginnings())

    def die(self, exit_code: int) -> None:
        """It has ended so."""
        append(self._launch.journal, [self._entry("exec_die", exitCode=str(exit_code))])

    def _entry(self, action: str, **more: str) -> Entry:
        return "container", action, self._launch.id, {**self._attributes, **more}
