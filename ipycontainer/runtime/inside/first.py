"""PID 1 as the monitor has it: made by the steps outside, held by descriptor, ended."""

from __future__ import annotations

import os

from ipycontainer.errors import Error
from ipycontainer.launcher import wire
from ipycontainer.linux import namespaces
from ipycontainer.linux import pidfd as pidfds
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.steps.outside import Clone
from ipycontainer.runtime.inside.walk import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from ipycontainer.launcher.wire import Channel

_SIGKILL = 9


class First:
    """PID 1, from outside: its number, the monitor's end of the channel, its mounts."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.channel, self._theirs = wire.pair()
        place.channel = self.channel
        self._mounts = -1

    def walk(self, steps: Sequence[Step], become: Callable[[Place, Channel], NoReturn]) -> None:
        """Take `steps`, of which Clone makes the process; there `become` goes on."""
        place = self.place
        for number, step in enumerate(steps):
            walk("outside", [step], place, number)
            if isinstance(step, Clone):
                if place.child == 0:
                    self.channel.close()
                    become(place, self._theirs)
                self._theirs.close()
        self._hold_mounts()

    def _hold_mounts(self) -> None:
        """Else PID 1, when it ends, takes its mounts apart before anybody is told of its end."""
        try:
            self._mounts = namespaces.open_of(self.place.child, "mount")
        except Error:
            pass  # it has ended already, or this machine does not let us look: then it takes longer

    def let_mounts_go(self) -> None:
        """The last of the container's mounts vanish, if PID 1 has ended."""
        if self._mounts >= 0:
            os.close(self._mounts)
            self._mounts = -1

    def end(self) -> None:
        """Kill it if it is there, and wait until it is dead."""
        if self.place.child:
            pidfds.send_signal(self.place.pidfd, _SIGKILL)
            os.waitpid(self.place.child, 0)
            os.close(self.place.pidfd)
        self.let_mounts_go()
        self.channel.close()
