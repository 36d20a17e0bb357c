"""The monitor: one process for each container, from before its first process to its record.

Parent of PID 1, outside the container's cgroup and namespaces.  The launcher forks it ahead.  With its child it
makes a slot and waits; it holds the lock, the log and the streams of the container that comes, waits for the end,
writes the record, sweeps.  If it is killed the kernel kills the container.

It touches as little as it can: every page that it writes to is its own for as long as the container lives.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Error, LauncherError, StartError, from_wire, to_wire
from ipycontainer.linux import cgroups, prctl
from ipycontainer.linux import pidfd as pidfds
from ipycontainer.runtime.inside import clients, container, ending, life, log, restart, stopped
from ipycontainer.runtime.inside.charge import Charge, charge_of
from ipycontainer.runtime.inside.first import First
from ipycontainer.runtime.inside.probe import Probes
from ipycontainer.runtime.inside.slot import Slot
from ipycontainer.runtime.inside.step import Place, Plan
from ipycontainer.runtime.inside.steps.outside import MakeCgroup
from ipycontainer.runtime.inside.streams import Streams, program_pipes
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import entered_kinds, exec_joins, makes, plan, shared_devices

_SIGKILL = 9

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from ipycontainer.launcher.wire import Channel


class Monitor:
    """One container.

    launch: how it is started, known where it may have to be started again.
    """

    def __init__(
        self, host: Host, charge: Charge, lock: int, client: Channel, first: First, launch: Launch | None = None
    ) -> None:
        prctl.set_name("ipycontainer")
        self._host = host
        self._charge = charge
        self._lock = lock
        self._client = client
        self._first = first
        self._launch = launch
        self._streams: list[int] = []
        self._restarts = restart.Restarts()
        self._wait: float | None = None  # seconds until it is started again

    def move_in(self, slot: Slot, streams: list[int]) -> None:
        """Into a slot that PID 1 has taken; it is on its way."""
        try:
            life.begin(self._lock, self._charge)
        except Error as error:
            self._fail(error)
            return
        self._see(slot.kinds, slot.joins, streams)
        self._see_restarts()

    def start(self, launch: Launch) -> None:
        """Walk the whole plan of `launch`."""
        self._start(launch)
        self._see_restarts()

    def _see_restarts(self) -> None:
        """Start it again as often as its policy says."""
        while self._wait is not None:
            launch = self._launch
            assert launch is not None
            if not stopped.wait(launch.run, launch.folder, self._wait):
                self._give_up()
                return
            self._wait = None
            launch = restart.next_launch(launch, self._first.kept)
            self._charge = charge_of(launch, time.time()).replace(restarts=self._restarts.count)
            self._first = First(Place(launch), self._first.kept)
            self._start(launch)

    def _give_up(self) -> None:
        """Somebody has stopped it before it was started again."""
        try:
            ending.settle(self._charge)
        finally:
            ending.sweep_all(self._charge, "")
            os.close(self._lock)

    def _start(self, launch: Launch) -> None:
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
        return ours

    def _see(self, kinds: tuple[str, ...], joins: tuple[str, ...], streams: list[int]) -> None:
        """From PID 1's way to the program, to its end."""
        charge, child = self._charge, self._first.place.child
        self._streams = streams
        try:
            life.write_state(self._lock, charge, child, self._host, kinds, joins)
            if not charge.remove:
                # PID 1 is on its way meanwhile: that it was started is known before its program can do anything.
                life.make_durable(charge)
            self._await_program()
            life.mark_running(self._lock)
            life.record_start(charge)
        except Error as error:
            self._fail(error)
            return
        tell(self._client, {"started": child})
        if charge.restarts and stopped.read(charge.folder) == stopped.FINAL:
            pidfds.send_signal(self._first.place.pidfd, _SIGKILL)  # whoever stopped it found nobody to send it to
        launch = self._launch
        if launch is None or not launch.health:
            self._live(None)
        else:
            self._live(Probes(launch, self._host, charge, self._first.place.pidfd, kinds, joins))

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
        self._client.send({"created": self._first.place.child}, [self._first.place.pidfd])
        message = self._client.receive()
        if message is None or message.document != {"word": "go"}:
            raise StartError("the caller went away between create and start")
        self._first.channel.send({"word": "go"})

    def _fail(self, error: Error) -> None:
        """A start that failed: end the child, record why, leave nothing, tell the client."""
        self._first.end()
        try:
            life.mark_ending(self._lock)
            gone = ending.record(self._charge, error.exit_code, False, str(error))
        except Error:
            gone = ""  # somebody has removed the container meanwhile, or the disk is full: no record then
        tell(self._client, {"error": to_wire(error)})
        self._client.close()
        ending.sweep_all(self._charge, gone)
        os.close(self._lock)

    def _live(self, probes: Probes | None) -> None:
        """Pump until PID 1 has ended; then its status, its last words, its record."""
        charge, place = self._charge, self._first.place
        if not charge.attach:
            self._client.close()
        writer = log.LogWriter(charge.log_folder, charge.log_size, charge.log_files, durable=not charge.remove)
        streams = Streams(self._client if charge.attach else None, writer, charge.stdin_once)
        streams.listen(clients.open_listener(charge.run), {"started": place.child})
        streams.take(self._streams, charge.terminal)
        streams.hear_sizes(lambda rows, columns: life.record_event(charge, *life.resized(rows, columns)))
        if probes is not None:
            streams.tend(probes)
        streams.pump(place.pidfd)
        if probes is not None:
            probes.close()
        code = os.waitstatus_to_exitcode(os.waitpid(place.child, 0)[1])
        code = 128 - code if code < 0 else code
        streams.drain()
        killed = bool(charge.leaves) and cgroups.oom_kills(charge.leaves) > 0
        streams.close_log()
        self._decide(code)
        charge, again = self._charge, self._wait is not None
        happened: list[ending.Event] = [("oom", {})] if killed else []
        if probes is not None and not charge.remove:
            probes.keep()
        life.mark_ending(self._lock)
        gone = ending.record(charge, code, killed, "", [*happened, ("die", {"exitCode": str(code)})], again)
        # The client knows as soon as the record is there; what is left to sweep nobody can see, and the names it
        # bears are free already.  A client that does not read holds nothing up.
        answer: dict[str, object] = {"answer": {"exit_code": code, "oom_killed": killed}}
        told = streams.finish(answer, wait=False)
        self._first.let_mounts_go()
        if again:
            os.close(place.pidfd)
            ending.sweep_to_restart(charge, self._lock, self._host.mode)
            if not told and os.fork() == 0:
                # A client that does not read holds nobody up but a process of its own.
                os.close(self._lock)
                streams.finish(answer, wait=True)
                os._exit(0)
            return
        ending.sweep_all(charge, gone)
        os.close(self._lock)
        if not told:
            streams.finish(answer, wait=True)

    def _decide(self, code: int) -> None:
        """Whether it is started again, and when."""
        charge = self._charge
        launch = self._launch = restart.renewed(charge.run) or self._launch
        if launch is None or not launch.restart:
            return
        ran = time.time() - charge.started
        mark = stopped.read(charge.folder)
        self._wait = self._restarts.wait_after(launch.restart, launch.retries, code, ran, mark)
        self._charge = charge.replace(restarts=self._restarts.count)


def tell(client: Channel, document: dict[str, Any]) -> None:
    """A client that has gone away changes nothing about the container."""
    try:
        client.send(document)
    except LauncherError:
        pass
