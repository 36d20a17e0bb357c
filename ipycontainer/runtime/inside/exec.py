"""The job "exec": one more program in a running container, with a small monitor of its own."""

from __future__ import annotations

import os

from ipycontainer.errors import Error, from_wire, to_wire
from ipycontainer.launcher import wire
from ipycontainer.linux import namespaces
from ipycontainer.runtime.inside import container
from ipycontainer.runtime.inside.kill import open_init
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.inside.streams import Streams
from ipycontainer.runtime.inside.sweep import living_state
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import plan_exec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel


def execute(host: Host, request: dict[str, Any], _descriptors: list[int], channel: Channel) -> None:
    """request: a Launch whose spec has only `process`; its streams are the caller's, nothing is logged."""
    launch = Launch.from_dict(request)
    os.setsid()
    state = living_state(launch.run)
    pidfd = open_init(state)
    place = Place(launch)
    # Joining a pid namespace is for children: pid_namespaces(7).
    namespaces.setns(pidfd, namespaces.CLONE_NEWPID)
    theirs, ours = _pipes(launch)
    parent, child = wire.pair()
    container.hide()
    place.child = os.fork()
    if place.child == 0:
        place.channel = child
        place.pidfd = pidfd
        steps = plan_exec(launch, host, tuple(state["kinds"]), tuple(state["joins"]))
        container.become(place, theirs, [("exec", steps)], keep=[pidfd])
    place.pidfd = os.pidfd_open(place.child)
    child.close()
    for descriptor in {*theirs, pidfd}:
        os.close(descriptor)
    streams = Streams(channel if launch.attach else None, None)
    try:
        _await_program(parent, streams)
    except Error as error:
        os.waitpid(place.child, 0)
        channel.send({"error": to_wire(error)})
        return
    _serve(place, streams, ours, channel)


def _pipes(launch: Launch) -> tuple[list[int], list[int]]:
    """The program's 0, 1, 2 and our ends; /dev/null where nobody is attached."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    if launch.terminal or not launch.attach:
        return [null, null, null], []
    out, program_out = os.pipe()
    err, program_err = os.pipe()
    if not launch.stdin:
        return [null, program_out, program_err], [out, err]
    program_in, into = os.pipe()
    return [program_in, program_out, program_err], [out, err, into]


def _await_program(parent: Channel, streams: Streams) -> None:
    while True:
        message = parent.receive()
        if message is None:
            parent.close()
            return
        if "failed" in message.document:
            raise from_wire(message.document["failed"])
        if message.descriptors:
            streams.set_terminal(message.descriptors[0])


def _serve(place: Place, streams: Streams, ours: list[int], channel: Channel) -> None:
    if ours:
        streams.add_output(ours[0], wire.STDOUT)
        streams.add_output(ours[1], wire.STDERR)
    if len(ours) > 2:
        streams.set_input(ours[2])
    channel.send({"started": place.child})
    if not place.launch.attach:
        channel.close()
    streams.pump(place.pidfd)
    code = os.waitstatus_to_exitcode(os.waitpid(place.child, 0)[1])
    streams.drain()
    streams.finish({"answer": {"exit_code": 128 - code if code < 0 else code}})
