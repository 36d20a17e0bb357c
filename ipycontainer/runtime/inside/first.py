"""PID 1 as its starter has it: made by the steps outside, held by descriptor, ended."""

from __future__ import annotations

import os

from ipycontainer.errors import Error
from ipycontainer.launcher import wire
from ipycontainer.linux import namespaces
from ipycontainer.linux import pidfd as pidfds
from ipycontainer.runtime.inside.entering import await_process
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.steps.outside import Clone
from ipycontainer.runtime.inside.walk import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from ipycontainer.launcher.wire import Channel

_SIGKILL = 9
_PATIENCE = 60.0  # seconds: how long the kernel may take to end what was killed


class First:
    """PID 1, from outside: its number, the monitor's end of the channel, its mounts.

    monitor: to its parent; mounts: a descriptor of its mount namespace (-1: none);
    kept: descriptors, by OCI name, of the namespaces that the next PID 1 joins if this container is started again:
    its network and, where there is one, the user namespace that owns it.
    """

    def __init__(self, place: Place, monitor: Channel, kept: dict[str, int] | None = None) -> None:
        self.place = place
        place.monitor = monitor.fileno()
        self.channel, self._theirs = wire.pair()
        place.channel = self.channel
        self.kept = kept or {}
        self.mounts = -1

    def walk(
        self,
        steps: Sequence[Step],
        become: Callable[[Place, Channel], NoReturn],
        born: Callable[[int], None] = lambda _pid: None,
    ) -> None:
        """Take `steps`, of which Clone makes the process; there `become` goes on.  born: is told of its number."""
        place = self.place
        kinds: tuple[str, ...] = ()
        for number, step in enumerate(steps):
            walk("outside", [step], place, number)
            if isinstance(step, Clone):
                if place.child == 0:
                    self.channel.close()
                    become(place, self._theirs)
                self._theirs.close()
                born(place.child)
                kinds = step.kinds
        self._hold_mounts()
        if "network" in kinds and not place.launch.others:
            self._keep([kind for kind in ("user", "network") if kind in kinds])

    def meet(self) -> None:
        """Until the process that stood for PID 1 has made it where another container sees it; raises Error."""
        between, pidfd = self.place.child, self.place.pidfd
        await_process(self.channel, self.place)
        self.place.ended.append(between)
        os.close(pidfd)

    def _hold_mounts(self) -> None:
        """Else PID 1, when it ends, takes its mounts apart before anybody is told of its end."""
        try:
            self.mounts = namespaces.open_of(self.place.child, "mount")
        except Error:
            pass  # it has ended already, or this machine does not let us look: then it takes longer

    def _keep(self, kinds: list[str]) -> None:
        try:
            self.kept = {kind: namespaces.open_of(self.place.child, kind) for kind in kinds}
        except Error:
            self.kept = {}  # the same; started again it would have a new network

    def let_mounts_go(self) -> None:
        """The last of the container's mounts vanish, if PID 1 has ended."""
        if self.mounts >= 0:
            os.close(self.mounts)
            self.mounts = -1

    def end(self) -> None:
        """Kill it if it is there, and wait until it is dead; its parent, the monitor, will reap it."""
        if self.place.child:
            pidfds.send_signal(self.place.pidfd, _SIGKILL)
            pidfds.await_end(self.place.pidfd, _PATIENCE)
            os.close(self.place.pidfd)
            self.place.ended.append(self.place.child)
        self.let_mounts_go()
        self.channel.close()
