"""A starter: from a request to a program that runs, which it hands over to its monitor.

The launcher forks a monitor ahead, and that one its starter (handing_over.py says why).  With PID 1 the starter makes a
slot and waits; it takes the container's lock, writes what is written before a program runs, tells the client, and
ends.  Where a start fails it is the starter that records why and leaves nothing.
"""

from __future__ import annotations

import os

from ipycontainer.errors import Error, LauncherError, StartError, from_wire, to_wire
from ipycontainer.linux import cgroups, prctl
from ipycontainer.linux import pidfd as pidfds
from ipycontainer.runtime.inside import container, ending, handing_over, life, stopped
from ipycontainer.runtime.inside.step import Place, Plan
from ipycontainer.runtime.inside.steps.outside import MakeCgroup
from ipycontainer.runtime.inside.streams import program_pipes
from ipycontainer.runtime.plan import entered_kinds, exec_joins, makes, plan, shared_devices
from ipycontainer.runtime.program_plan import shares_processes

_SIGKILL = 9

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from ipycontainer.launcher.wire import Channel
    from ipycontainer.runtime.inside.charge import Charge
    from ipycontainer.runtime.inside.first import First
    from ipycontainer.runtime.inside.slot import Slot
    from ipycontainer.runtime.launch import Host, Launch


class Starter:
    """One start.

    client: whoever asked for it (None: a restart policy); monitor: to whom it is handed over;
    launch: how it is started, known where it may have to be started again.
    """

    def __init__(
        self,
        host: Host,
        charge: Charge,
        lock: int,
        client: Channel | None,
        first: First,
        monitor: Channel,
        launch: Launch | None = None,
    ) -> None:
        prctl.set_name("ipycontainer")
        self._host = host
        self._charge = charge
        self._lock = lock
        self._client = client
        self._first = first
        self._monitor = monitor
        self._launch = launch
        self._streams: list[int] = []

    def move_in(self, slot: Slot, streams: list[int]) -> None:
        """Into a slot that PID 1 has taken; it is on its way."""
        try:
            life.begin(self._lock, self._charge)
        except Error as error:
            self._fail(error)
            return
        self._see(slot.kinds, slot.joins, streams)

    def start(self, launch: Launch) -> None:
        """Walk the whole plan of `launch`."""
        try:
            steps = plan(launch, self._host)
            group = next((step.plan for step in steps.outside if isinstance(step, MakeCgroup)), cgroups.CgroupPlan())
            self._charge = self._charge.replace(
                leaves=group.leaves, devices=shared_devices(steps), shares_pids=not makes(steps, "pid")
            )
            # The names go into the record before the things are made.
            life.write_leaves(self._lock, group.leaves, self._charge.devices)
            life.begin(self._lock, self._charge)
            ours = self._walk(launch, steps)
        except Error as error:
            self._fail(error)
            return
        self._see(entered_kinds(launch, self._host.rootless), exec_joins(steps), ours)

    def _walk(self, launch: Launch, steps: Plan) -> list[int]:
        """What is done outside; gives our ends of the program's streams."""
        theirs, ours = program_pipes(launch, piped=True)

        def become(place: Place, channel: Channel) -> NoReturn:
            place.channel = channel
            container.become(
                place, theirs, [("inside", steps.inside), ("last", steps.last)], keep=[*place.others.values()]
            )

        self._first.walk(steps.outside, become)
        for descriptor in {*theirs, *self._first.place.others.values()}:
            os.close(descriptor)
        if shares_processes(launch):
            self._first.meet()
        return ours

    def _see(self, kinds: tuple[str, ...], joins: tuple[str, ...], streams: list[int]) -> None:
        """From PID 1's way to the program, to the handing over."""
        charge, child = self._charge, self._first.place.child
        self._streams = streams
        try:
            life.write_state(self._lock, charge, child, os.getppid(), self._host, kinds, joins)
            if not charge.remove:
                # PID 1 is on its way meanwhile: that it was started is known before its program can do anything.
                life.make_durable(charge)
            self._await_program()
            life.mark_running(self._lock)
            life.record_start(charge)
        except Error as error:
            self._fail(error)
            return
        self._tell({"started": child})
        if charge.restarts and stopped.read(charge.folder) == stopped.FINAL:
            pidfds.send_signal(self._first.place.pidfd, _SIGKILL)  # whoever stopped it found nobody to send it to
        self._hand_over(kinds, joins)

    def _hand_over(self, kinds: tuple[str, ...], joins: tuple[str, ...]) -> None:
        launch, charge, client = self._launch, self._charge, self._client
        again = launch if launch is not None and (launch.restart or launch.health) else None
        papers = handing_over.Papers(charge, kinds, joins, tuple(self._first.kept), again)
        attends = client.fileno() if client is not None and charge.attach else -1
        handing_over.send(self._monitor, self._first, self._lock, self._streams, attends, papers)

    def _await_program(self) -> None:
        """Until the program runs, and with it PID 1's end of the channel is closed, or a step has failed."""
        channel, was_last = self._first.channel, False
        while (message := channel.receive()) is not None:
            document = message.document
            if "failed" in document:
                raise from_wire(document["failed"])
            if "created" in document:
                self._reach_barrier()
            if "terminal" in document:
                self._streams = [message.descriptors[0]]
            was_last = was_last or document == container.LAST_WORD
        channel.close()
        if not was_last:
            raise StartError(container.KILLED_EARLY)

    def _reach_barrier(self) -> None:
        """OCI's line between create and start: the caller attaches the network, then says go."""
        client = self._client
        assert client is not None  # nobody asks for a barrier but a client
        client.send({"created": self._first.place.child}, [self._first.place.pidfd])
        message = client.receive()
        if message is None or message.document != {"word": "go"}:
            raise StartError("the caller went away between create and start")
        self._first.channel.send({"word": "go"})

    def _fail(self, error: Error) -> None:
        """A start that failed: end the child, record why, leave nothing, tell the client."""
        self._first.end()
        try:
            life.mark_ending(self._lock)
            gone = ending.record_failure(self._charge, error)
        except Error:
            gone = ""  # somebody has removed the container meanwhile, or the disk is full: no record then
        self._tell({"error": to_wire(error)})
        if self._client is not None:
            self._client.close()
        ending.sweep_all(self._charge, gone)
        os.close(self._lock)

    def _tell(self, document: dict[str, Any]) -> None:
        if self._client is not None:
            tell(self._client, document)


def tell(client: Channel, document: dict[str, Any]) -> None:
    """A client that has gone away changes nothing about the container."""
    try:
        client.send(document)
    except LauncherError:
        pass
