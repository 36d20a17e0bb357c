"""The starter: walks a plan until the program runs, leaves the container to its monitor, and ends.

PID 1 is cloned as the monitor's child (CLONE_PARENT), so that the monitor can wait for it, and so that its
death is PID 1's.
"""

from __future__ import annotations

import os
import select
import time

from ipycontainer.errors import Error, LauncherError, StartError, from_wire, to_wire
from ipycontainer.launcher import wire
from ipycontainer.linux import pidfd as pidfds
from ipycontainer.runtime.inside import container, ending, life, sweep
from ipycontainer.runtime.inside.charge import charge_of
from ipycontainer.runtime.inside.slot import Slot
from ipycontainer.runtime.inside.step import Place, Plan
from ipycontainer.runtime.inside.steps.outside import Clone, MakeCgroup
from ipycontainer.runtime.inside.streams import program_pipes
from ipycontainer.runtime.inside.walk import walk
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import exec_joins, namespace_kinds, plan, shared_devices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.launcher.server import JobChannel
    from ipycontainer.launcher.wire import Channel, Message

_SIGKILL = 9
_PATIENCE = 10.0  # seconds, for the kernel to end what was killed


def run(host: Host, request: dict[str, Any], _descriptors: list[int], channel: JobChannel) -> None:
    """The job "run": start one container."""
    launch = Launch.from_dict(request)
    lock = life.claim(launch.run)
    try:
        if os.fstat(lock).st_size:
            sweep.sweep_leavings(launch.run)  # a killed monitor's
            life.fresh(lock)
        Starter(host, launch, channel, lock).start()
    finally:
        os.close(lock)


class Starter:
    """One start."""

    def __init__(self, host: Host, launch: Launch, client: JobChannel, lock: int) -> None:
        self._host = host
        self._launch = launch
        self._client = client
        self._lock = lock
        self._place = Place(launch)
        self._charge = charge_of(launch, time.time())
        self._slot = client.prepared if isinstance(client.prepared, Slot) else None

    def start(self) -> None:
        """Start, tell the client, leave the rest to the monitor."""
        try:
            streams = self._walk(plan(self._launch, self._host))
            life.record_event(self._charge, "start", {})
            if not self._launch.remove:
                # The program runs already; only the word that it does waits for the disk.
                life.make_durable(self._charge)
            _tell(self._client, {"started": self._place.child})
            self._leave_to_monitor(streams)
        except Error as error:
            self._fail(error)

    def _leave_to_monitor(self, streams: list[int]) -> None:
        everything = [self._lock, self._place.pidfd, self._client.fileno(), *streams]
        try:
            self._client.keeper.send(self._charge.as_dict(), everything)
        except LauncherError:
            raise StartError("its monitor was killed while it was being started; start it again") from None

    def _walk(self, steps: Plan) -> list[int]:
        """All of `steps`; gives our ends of the program's streams."""
        launch = self._launch
        if not launch.remove:
            # The lasting record first: whoever finds it without an end, and no lock held, knows what happened.
            life.write_life(self._charge, {"started": self._charge.started}, durable=False)
        hinge = next(number for number, step in enumerate(steps.outside) if isinstance(step, Clone))
        group = next((step.plan for step in steps.outside if isinstance(step, MakeCgroup)), None)
        if group is not None:
            self._charge = self._charge.replace(leaves=group.leaves, devices=shared_devices(steps))
        # The names go into the record before the things are made.
        life.write_names(self._lock, self._charge)
        walk("outside", steps.outside[:hinge], self._place)
        theirs, ours = program_pipes(launch, piped=True)
        parent = self._clone(steps, hinge, theirs)
        self._charge = self._charge.replace(child=self._place.child)
        for descriptor in set(theirs):
            os.close(descriptor)
        self._place.channel = parent
        self._beside(lambda: walk("outside", steps.outside[hinge + 1 :], self._place, hinge + 1))
        kinds = namespace_kinds(launch.spec, self._host.rootless)
        life.write_state(self._lock, self._charge, self._host, kinds, exec_joins(steps))
        if launch.hold:
            self._hold()
        self._beside(lambda: parent.send({"word": "go"}))
        return self._await_program(parent, ours)

    def _clone(self, steps: Plan, hinge: int, theirs: list[int]) -> Channel:
        """PID 1, on its way with its streams: the slot's if it fits, else a new one.  Gives our end of its channel."""
        place, slot = self._place, self._slot
        if slot is not None and slot.fits(steps.outside[hinge], steps.inside) and not self._launch.fault:
            try:
                slot.channel.send(self._launch.as_dict(), theirs)
            except LauncherError:
                pass  # its PID 1 was killed while it waited: there is the cold way
            else:
                place.child, place.pidfd, place.walked = slot.child, slot.pidfd, slot.walked
                return slot.channel
        if slot is not None:
            slot.give_up()
        parent, child = wire.pair()
        walk("outside", steps.outside[hinge : hinge + 1], place, hinge)
        if place.child == 0:
            place.channel = child
            container.become(place, theirs, [("inside", steps.inside), ("last", steps.last)])
        child.close()
        return parent

    def _beside(self, act: Callable[[], None]) -> None:
        """What the child waits for.  If the child itself has failed meanwhile, its reason is the better one."""
        try:
            act()
        except Error:
            self._raise_childs_failure()
            raise

    def _raise_childs_failure(self) -> None:
        channel = self._place.channel
        assert channel is not None
        poll = select.poll()
        poll.register(channel.fileno(), select.POLLIN)
        while poll.poll(0):
            message = channel.receive()
            if message is None:
                return
            _raise_failure(message)

    def _hold(self) -> None:
        """OCI's line between create and start: the caller attaches the network, then says go."""
        self._client.send({"created": self._place.child}, [self._place.pidfd])
        message = self._client.receive()
        if message is None or message.document != {"word": "go"}:
            raise StartError("the caller went away between create and start")

    def _await_program(self, channel: Channel, ours: list[int]) -> list[int]:
        """Until the program runs (the close-on-exec channel ends) or a step has failed."""
        came_to_last = False
        while True:
            message = channel.receive()
            if message is None:
                channel.close()
                if not came_to_last:
                    raise StartError(container.KILLED_EARLY)
                return ours
            _raise_failure(message)
            came_to_last = came_to_last or message.document == container.LAST_WORD
            if message.descriptors:
                ours = [message.descriptors[0]]  # the terminal's

    def _fail(self, error: Error) -> None:
        """A start that failed: end the child, record why, leave nothing, tell the client."""
        if self._place.pidfd >= 0:
            pidfds.send_signal(self._place.pidfd, _SIGKILL)
            pidfds.await_end(self._place.pidfd, _PATIENCE)
        gone = ending.record(self._charge, error.exit_code, False, str(error))
        _tell(self._client, {"error": to_wire(error)})
        ending.sweep_all(self._charge, gone)


def _tell(client: Channel, document: dict[str, Any]) -> None:
    """A client that has gone away changes nothing about the container."""
    try:
        client.send(document)
    except LauncherError:
        pass


def _raise_failure(message: Message) -> None:
    if isinstance(message.document, dict) and "failed" in message.document:
        raise from_wire(message.document["failed"])
