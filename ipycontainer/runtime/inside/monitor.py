"""The monitor: one process for each container, from its start to its record.

Parent of PID 1, outside the container's cgroup and namespaces.  It holds the lock, the log and the streams,
waits for the end, writes the record, sweeps.  If it is killed the kernel kills the container.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Error, LauncherError, StartError, from_wire, to_wire
from ipycontainer.launcher import wire
from ipycontainer.linux import cgroups, trees
from ipycontainer.runtime.inside import container, life, log, sweep
from ipycontainer.runtime.inside.step import Place, Plan
from ipycontainer.runtime.inside.steps.outside import Clone, MakeCgroup
from ipycontainer.runtime.inside.streams import Streams
from ipycontainer.runtime.inside.walk import walk
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import namespace_kinds, plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.launcher.wire import Channel, Message


def run(host: Host, request: dict[str, Any], descriptors: list[int], channel: Channel) -> None:
    """The job "run": become the monitor of one container."""
    launch = Launch.from_dict(request)
    os.setsid()
    lock = life.claim(launch.run)
    try:
        if os.fstat(lock).st_size:
            sweep.sweep_leavings(launch.run)  # a killed monitor's
            life.fresh(lock)
        Monitor(host, launch, channel, lock).live()
    finally:
        os.close(lock)


class Monitor:
    """One container's life."""

    def __init__(self, host: Host, launch: Launch, client: Channel, lock: int) -> None:
        self._lock = lock
        self._host = host
        self._launch = launch
        self._client = client
        self._place = Place(launch)
        self._life: dict[str, Any] = {"started": time.time()}
        self._group = cgroups.CgroupPlan()
        self._streams = Streams(None, None)

    def live(self) -> None:
        """Start, tell the client, pump, wait, record, sweep."""
        launch = self._launch
        try:
            self._start(plan(launch, self._host))
        except Error as error:
            self._fail(error)
            return
        life.record_event(launch, "start", {})
        self._tell({"started": self._place.child})
        if not launch.attach:
            self._client.close()
        self._streams.pump(self._place.pidfd)
        self._end()

    def _start(self, steps: Plan) -> None:
        launch = self._launch
        if not launch.remove:
            # The lasting record first: whoever finds it without an end, and no lock held, knows what happened.
            life.write_life(launch, self._life, durable=False)
        hinge = next(number for number, step in enumerate(steps.outside) if isinstance(step, Clone))
        for step in steps.outside:
            if isinstance(step, MakeCgroup):
                self._group = step.plan
        # The names go into the record before the things are made.
        life.write_names(self._lock, launch, self._group)
        walk("outside", steps.outside[:hinge], self._place)
        theirs, ours = self._make_streams()
        parent, child = wire.pair()
        walk("outside", steps.outside[hinge : hinge + 1], self._place, hinge)
        if self._place.child == 0:
            self._place.channel = child
            container.become(self._place, theirs, [("inside", steps.inside), ("last", steps.last)])
        child.close()
        for descriptor in set(theirs):
            os.close(descriptor)
        self._place.channel = parent
        self._beside(lambda: walk("outside", steps.outside[hinge + 1 :], self._place, hinge + 1))
        kinds = namespace_kinds(launch.spec, self._host.rootless)
        life.write_state(
            self._lock, launch, self._host.mode, self._place.child, kinds, self._group, self._life["started"]
        )
        if launch.hold:
            self._hold()
        self._beside(lambda: parent.send({"word": "go"}))
        self._await_program(parent, ours)

    def _beside(self, act: Callable[[], None]) -> None:
        """What the child waits for.  If the child itself has failed meanwhile, its reason is the better one."""
        try:
            act()
        except Error:
            self._raise_childs_failure()
            raise

    def _raise_childs_failure(self) -> None:
        import select

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

    def _make_streams(self) -> tuple[list[int], list[int]]:
        """The program's 0, 1, 2, and our ends of them: pipes, or nothing yet where a terminal will come."""
        launch = self._launch
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        if launch.terminal:
            return [null, null, null], []
        out, program_out = os.pipe()
        err, program_err = os.pipe()
        if not launch.stdin:
            return [null, program_out, program_err], [out, err]
        program_in, into = os.pipe()
        os.close(null)
        return [program_in, program_out, program_err], [out, err, into]

    def _await_program(self, channel: Channel, ours: list[int]) -> None:
        """Until the program runs (the close-on-exec channel ends) or a step has failed."""
        launch = self._launch
        client = self._client if launch.attach else None
        streams = Streams(client, log.LogWriter(os.path.join(launch.folder, "log")))
        if ours:
            streams.add_output(ours[0], wire.STDOUT)
            streams.add_output(ours[1], wire.STDERR)
        if len(ours) > 2:
            streams.set_input(ours[2])
        self._streams = streams
        while True:
            message = channel.receive()
            if message is None:
                break
            _raise_failure(message)
            if message.descriptors:
                streams.set_terminal(message.descriptors[0])
        channel.close()

    def _fail(self, error: Error) -> None:
        """A start that failed: end the child, record why, leave nothing, tell the client."""
        if self._place.child:
            _kill(self._place.child)
        now = time.time()
        self._life.update(finished=now, exit_code=error.exit_code, error=str(error), oom_killed=False)
        gone = self._record()
        self._tell({"error": to_wire(error)})
        self._sweep(gone)

    def _tell(self, document: dict[str, Any]) -> None:
        """A client that has gone away changes nothing about the container."""
        try:
            self._client.send(document)
        except LauncherError:
            pass

    def _end(self) -> None:
        """The program has ended: its status, its last words, its record."""
        status = os.waitpid(self._place.child, 0)[1]
        code = os.waitstatus_to_exitcode(status)
        code = 128 - code if code < 0 else code
        self._streams.drain()
        killed = bool(self._group.leaves) and cgroups.oom_kills(self._group.leaves) > 0
        self._life.update(finished=time.time(), exit_code=code, oom_killed=killed, error="")
        if killed:
            life.record_event(self._launch, "oom", {})
        life.record_event(self._launch, "die", {"exitCode": str(code)})
        gone = self._record()
        # The client knows as soon as the record is there; what is left to sweep nobody can see, and names it bears
        # are free already.
        self._streams.finish({"answer": {"exit_code": code, "oom_killed": killed}})
        self._sweep(gone)

    def _record(self) -> str:
        """Write what lasts, or with --rm let it vanish.  Gives a tree that is still to be removed, or ""."""
        launch = self._launch
        self._streams.close_log()
        if not launch.remove:
            life.write_life(launch, self._life, durable=True)
            return ""
        gone = sweep.discard(launch.folder, launch.trash, launch.names, launch.name, launch.id)
        life.record_event(launch, "destroy", {})
        return gone

    def _sweep(self, gone: str) -> None:
        sweep.sweep_cgroups(self._group.leaves)
        trees.remove(gone)
        # Last, because it holds the lock that says that we live.
        trees.remove(self._launch.run)


def _raise_failure(message: Message) -> None:
    if isinstance(message.document, dict) and "failed" in message.document:
        raise from_wire(message.document["failed"])


def _kill(child: int) -> None:
    try:
        os.kill(child, 9)
    except ProcessLookupError:
        pass  # it has ended by itself
    os.waitpid(child, 0)
