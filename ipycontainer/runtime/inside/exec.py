"""The job "exec": one more program in a running container, with a small monitor of its own."""

from __future__ import annotations

import os

from ipycontainer.errors import Error, WrongState, to_wire
from ipycontainer.linux import pidfd as pidfds
from ipycontainer.runtime.inside.entering import Entering
from ipycontainer.runtime.inside.exec_events import ExecEvents
from ipycontainer.runtime.inside.kill import open_init
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.inside.streams import Streams, program_pipes
from ipycontainer.runtime.inside.sweep import living_state
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.program_plan import plan_exec

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
    theirs, ours = program_pipes(launch, piped=launch.attach)
    entering = Entering(place, pidfd, steps, theirs)
    for descriptor in set(theirs):
        os.close(descriptor)
    events = ExecEvents(launch)
    events.begin()
    try:
        ours = entering.await_program(ours)
    except Error as error:
        channel.send({"error": to_wire(_unless_gone(pidfd, error))})
        return
    os.close(pidfd)
    _serve(place, ours, channel, events)


def _unless_gone(first: int, error: Error) -> Error:
    """Why the exec failed: when PID 1 ends meanwhile the kernel ends all who came to it, and lets nobody come.

    These go first, so PID 1 is given a moment; pid_namespaces(7).
    """
    return WrongState("the container is not running any more") if pidfds.await_end(first, _MOMENT) else error


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
