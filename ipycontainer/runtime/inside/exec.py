"""The job "exec": one more program in a running container, with a small monitor of its own."""

from __future__ import annotations

import os

from ipycontainer.errors import Error, KernelError, StartError, WrongState, from_wire, to_wire
from ipycontainer.launcher import wire
from ipycontainer.linux import namespaces
from ipycontainer.linux import pidfd as pidfds
from ipycontainer.runtime.inside import container
from ipycontainer.runtime.inside.exec_events import ExecEvents
from ipycontainer.runtime.inside.kill import open_init
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.inside.streams import Streams, program_pipes
from ipycontainer.runtime.inside.sweep import living_state
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import plan_exec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel


_MOMENT = 0.2  # seconds, and only where an exec has failed


def execute(host: Host, request: dict[str, Any], _descriptors: list[int], channel: Channel) -> None:
    """request: a Launch whose spec has only `process`; its streams are the caller's, nothing is logged."""
    launch = Launch.from_dict(request)
    os.setsid()
    state = living_state(launch.run, "runs")
    pidfd = open_init(state)
    place = Place(launch)
    # Before the fork: whatever the child first touches after it, the kernel copies for it.
    steps = plan_exec(launch, host, tuple(state["kinds"]), tuple(state["joins"]))
    # Joining a pid namespace is for children: pid_namespaces(7).
    try:
        namespaces.setns(pidfd, namespaces.CLONE_NEWPID)
    except KernelError as error:
        raise _unless_gone(pidfd, error) from None
    theirs, ours = program_pipes(launch, piped=launch.attach)
    parent, child = wire.pair()
    container.hide()
    try:
        place.child = os.fork()
    except OSError as error:
        # ENOMEM: a pid namespace whose PID 1 has died takes nobody.  fork(2)
        raise _unless_gone(pidfd, KernelError("fork", error.errno or 0, "exec")) from None
    if place.child == 0:
        place.channel = child
        place.pidfd = pidfd
        container.become(place, theirs, [("exec", steps)], keep=[pidfd])
    place.pidfd = os.pidfd_open(place.child)
    child.close()
    for descriptor in set(theirs):
        os.close(descriptor)
    events = ExecEvents(launch)
    events.begin()
    try:
        ours = await_program(parent, ours)
    except Error as error:
        os.waitpid(place.child, 0)
        channel.send({"error": to_wire(_unless_gone(pidfd, error))})
        return
    os.close(pidfd)
    _serve(place, ours, channel, events)


def _unless_gone(first: int, error: Error) -> Error:
    """Why the exec failed: when PID 1 ends meanwhile the kernel ends all who came to it, and lets nobody come.

    These go first, so PID 1 is given a moment; pid_namespaces(7).
    """
    return WrongState("the container is not running any more") if pidfds.await_end(first, _MOMENT) else error


def await_program(parent: Channel, ours: list[int]) -> list[int]:
    """Until the program runs; gives our ends of its streams."""
    came_to_last = False
    while True:
        message = parent.receive()
        if message is None:
            parent.close()
            if not came_to_last:
                raise StartError(container.KILLED_EARLY)
            return ours
        if "failed" in message.document:
            raise from_wire(message.document["failed"])
        came_to_last = came_to_last or message.document == container.LAST_WORD
        if message.descriptors:
            ours = [message.descriptors[0]]  # the terminal's


def _serve(place: Place, ours: list[int], channel: Channel, events: ExecEvents) -> None:
    streams = Streams(channel if place.launch.attach else None, None)
    streams.take(ours, place.launch.terminal)
    channel.send({"started": place.child})
    if not place.launch.attach:
        channel.close()
    streams.pump(place.pidfd)
    code = os.waitstatus_to_exitcode(os.waitpid(place.child, 0)[1])
    code = 128 - code if code < 0 else code
    streams.drain()
    events.die(code)
    streams.finish({"answer": {"exit_code": code}}, wait=True)
