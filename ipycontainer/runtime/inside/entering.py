"""One more program on its way to others, from outside: for an exec, for a probe, for who shares their pid namespace.

A process between joins the container and makes the program's process from in there (steps/entering.py): ours to wait
for, and at no moment half the host's to whoever is in there.
"""

from __future__ import annotations

import os

from ipycontainer.errors import Error, KernelError, StartError, from_wire
from ipycontainer.launcher import wire
from ipycontainer.runtime.inside import container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.launcher.wire import Channel
    from ipycontainer.runtime.inside.step import Place, Step


class Entering:
    """It is on its way.  first: a pidfd of the container's PID 1; stdio: for the program's 0, 1 and 2.

    Raises KernelError where this account may have no more processes.
    """

    def __init__(self, place: Place, first: int, steps: Sequence[Step], stdio: Sequence[int]) -> None:
        self._place = place
        self._channel, channel = wire.pair()
        container.hide()
        try:
            self._between = os.fork()
        except OSError as error:
            raise KernelError("fork", error.errno or 0, "exec") from None
        if self._between == 0:
            place.channel, place.pidfd = channel, first
            container.become(place, stdio, [("exec", steps)], keep=[first])
        channel.close()

    def await_program(self, ours: list[int]) -> list[int]:
        """Until the program runs, as `place` says by child and pidfd; gives our ends of its streams.

        Raises Error; nobody is left then.
        """
        try:
            await_process(self._channel, self._place)
        finally:
            os.waitpid(self._between, 0)
        try:
            return self._await_execve(ours)
        except Error:
            os.waitpid(self._place.child, 0)
            raise

    def _await_execve(self, ours: list[int]) -> list[int]:
        came_to_last = False
        while (message := self._channel.receive()) is not None:
            if "failed" in message.document:
                raise from_wire(message.document["failed"])
            came_to_last = came_to_last or message.document == container.LAST_WORD
            if message.descriptors:
                ours = [message.descriptors[0]]  # the terminal's
        self._channel.close()
        if not came_to_last:
            raise StartError(container.KILLED_EARLY)
        return ours


def await_process(channel: Channel, place: Place) -> None:
    """Until ForkInside has made the program's process; `place` says by child and pidfd which.  Raises Error."""
    message = channel.receive()
    if message is None:
        raise StartError(container.KILLED_EARLY)
    if "failed" in message.document:
        raise from_wire(message.document["failed"])
    # The first word is that of the process between: what comes later could be said by who traces the program's.
    place.child = int(message.document["entered"])
    place.pidfd = os.pidfd_open(place.child)
