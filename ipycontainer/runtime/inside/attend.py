"""From a place in the queue to a container: what a process does that the launcher forks for the next start.

Its starter makes a slot and waits in it with PID 1, or takes the next request and begins with the plan's first step;
when the program runs it hands over, and the process that the launcher forked is the container's monitor.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Error, InputError, KernelError, LauncherError, StartError, to_wire
from ipycontainer.launcher import wire
from ipycontainer.launcher.waiting import NO_PROCESS
from ipycontainer.linux import trees
from ipycontainer.runtime.inside import handing_over, life, sweep
from ipycontainer.runtime.inside.charge import Charge, charge_of
from ipycontainer.runtime.inside.first import First
from ipycontainer.runtime.inside.monitor import Monitor
from ipycontainer.runtime.inside.slot import Slot, Slots
from ipycontainer.runtime.inside.starter import Starter, tell
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.launch import Host, Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from ipycontainer.launcher.waiting import Waiting
    from ipycontainer.launcher.wire import Channel, Message

    Request = tuple[dict[str, Any], Channel]


def attend(host: Host, slots: Slots | None, waiting: Waiting) -> None:
    """See the next container of this queue to its end, from a slot where there are any."""
    os.setsid()
    try:
        running = handing_over.begin(lambda monitor: _start_next(host, slots, waiting, monitor), waiting.close)
    except KernelError:
        _refuse_next(waiting)
        return
    if running is not None:
        Monitor(host, running).see_to_the_end()


def _refuse_next(waiting: Waiting) -> None:
    """Nobody can be forked to start what is asked for."""
    client = waiting.accept() if waiting.hurried else None
    if client is not None:
        client.receive()
        tell(client, {"error": to_wire(LauncherError(NO_PROCESS))})


def _start_next(host: Host, slots: Slots | None, waiting: Waiting, monitor: Channel) -> None:
    """What the starter does."""
    ended: list[int] = []
    request = (
        _next_request(waiting) if slots is None or waiting.hurried else _live_in_slot(slots, waiting, monitor, ended)
    )
    if request is None:
        return
    document, client = request
    if slots is not None and document.get("job") == "run":
        slots.expect(document["request"])
    _start(host, document, client, monitor, ended)


def _next_request(waiting: Waiting) -> Request | None:
    client = waiting.accept()
    message = client.receive() if client is not None else None
    return (message.document, client) if client is not None and message is not None else None


def _live_in_slot(slots: Slots, waiting: Waiting, monitor: Channel, ended: list[int]) -> Request | None:
    """Make a slot, and start the container that moves in; gives a request that does not fit.

    ended: is given the PID 1 that did not become a container's.
    """
    try:
        slot = Slot(slots, waiting.pid)
    except Error:
        return _next_request(waiting)
    first = First(Place(slots.launch), monitor)
    try:
        message: Message | None = _first_word(slot, first, waiting, slots.host.boot_id)
    except Error as error:
        message = wire.Message(wire.DOCUMENT, {"failed": to_wire(error)})
    if message is not None and "charge" in message.document:
        waiting.close()
        client, *streams = message.descriptors
        charge = Charge.from_dict(message.document["charge"])
        request = message.document.get("launch")
        launch = Launch.from_dict(request) if request else None
        Starter(slots.host, charge, slot.lock, wire.adopt(client), first, monitor, launch).move_in(slot, streams)
        return None
    first.end()
    ended += first.place.ended
    sweep.sweep_cgroups(slot.group.leaves, slot.devices)
    trees.remove(slot.layer)
    trees.remove(slot.run)
    os.close(slot.lock)
    if message is None:
        return None  # nobody came
    if "unfit" in message.document:
        waiting.close()
        return message.document["unfit"], wire.adopt(message.descriptors[0])
    slots.expect_nothing()
    return _next_request(waiting)  # no slot can be had here: walking a plan from its beginning will say why


def _first_word(slot: Slot, first: First, waiting: Waiting, boot_id: str) -> Message | None:
    """Make the slot; what PID 1 says when it has a request, or cannot have one."""
    life.write_leaves(slot.lock, slot.group.leaves, slot.devices, slot.layer)

    def become(place: Place, channel: Channel) -> NoReturn:
        slot.wait(place, channel, waiting)

    # Before it gets its maps, and so before it can make anything: a sweep is to see it dead first.
    first.walk(slot.outside, become, lambda pid: life.write_first(slot.lock, pid, boot_id))
    return first.channel.receive()


def _start(host: Host, document: dict[str, Any], client: Channel, monitor: Channel, ended: list[int]) -> None:
    """Start a container from the beginning of its plan."""
    try:
        if document.get("job") != "run":
            raise InputError(f"only starts are asked for here, not {document.get('job')!r}")
        launch = Launch.from_dict(document["request"])
        lock = life.claim(launch.run)
    except Error as error:
        tell(client, {"error": to_wire(error)})
        return
    if os.fstat(lock).st_size:
        sweep.sweep_leavings(launch.run)  # a killed monitor's
        life.fresh(lock)
    if not os.path.isdir(launch.folder):
        # Whoever asked for this start has removed it since (an interrupt); nobody can any more, we have its lock.
        tell(client, {"error": to_wire(StartError("the container was removed before it was started"))})
        trees.remove(launch.run)
        os.close(lock)
        return
    place = Place(launch)
    place.ended += ended
    Starter(host, charge_of(launch, time.time()), lock, client, First(place, monitor), monitor, launch).start(launch)
