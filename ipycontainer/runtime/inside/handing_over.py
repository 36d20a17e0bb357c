"""From a starter to its monitor: a container that runs, and all that is held of it, in one message.

A forked process owns every page that it writes to, and Python writes to whatever it looks at.  So the process that
stays for as long as the container lives, the monitor, does nothing but wait until all is done that is done once: a
child of its own, the starter, sees to that and ends.  PID 1 is the monitor's child all the same (CLONE_PARENT).
"""

from __future__ import annotations

import os

from ipycontainer.launcher import wire
from ipycontainer.linux import forks, prctl
from ipycontainer.record import Record
from ipycontainer.runtime.inside.charge import Charge
from ipycontainer.runtime.launch import Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ipycontainer.launcher.wire import Channel

_SIGKILL = 9


class Running(Record):
    """A container whose program runs.

    child, pidfd: PID 1; lock: of its run folder; streams: our ends of the program's; mounts: its mount namespace (-1:
    none); kept: descriptors of the namespaces that its next PID 1 joins, by kind; client: whoever started it and
    attends (-1: nobody); kinds, joins: what a probe enters; launch: how it is started, where that will be asked again;
    ended: children of the monitor that did their part and are zombies.
    """

    charge: Charge
    lock: int
    child: int
    pidfd: int
    streams: tuple[int, ...]
    mounts: int = -1
    kept: tuple[tuple[str, int], ...] = ()
    client: int = -1
    kinds: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    launch: Launch | None = None
    ended: tuple[int, ...] = ()


def send(monitor: Channel, running: Running) -> None:
    """Hand it over; whoever does has nothing left to do.  Raises LauncherError when the monitor is gone."""
    single = (running.lock, running.pidfd, running.mounts, running.client)
    document = {
        "charge": running.charge.as_dict(),
        "child": running.child,
        "held": [descriptor >= 0 for descriptor in single],
        "kept": [kind for kind, _ in running.kept],
        "kinds": running.kinds,
        "joins": running.joins,
        "launch": running.launch.as_dict() if running.launch else None,
        "ended": running.ended,
    }
    held = [descriptor for descriptor in single if descriptor >= 0]
    monitor.send(document, [*held, *(descriptor for _, descriptor in running.kept), *running.streams])


def receive(starter: Channel) -> Running | None:
    """What `send` sends; None when the starter has ended without."""
    message = starter.receive()
    if message is None:
        return None
    document, descriptors = message.document, iter(message.descriptors)
    lock, pidfd, mounts, client = (next(descriptors) if held else -1 for held in document["held"])
    return Running(
        Charge.from_dict(document["charge"]),
        lock,
        document["child"],
        pidfd,
        kept=tuple([(kind, next(descriptors)) for kind in document["kept"]]),
        streams=tuple(descriptors),
        mounts=mounts,
        client=client,
        kinds=tuple(document["kinds"]),
        joins=tuple(document["joins"]),
        launch=Launch.from_dict(document["launch"]) if document["launch"] else None,
        ended=tuple(document["ended"]),
    )


def begin(start: Callable[[Channel], None], let_go: Callable[[], None] = lambda: None) -> Running | None:
    """Fork a starter that does `start`, and give what it hands over.

    let_go: closes what the starter alone needs.  None: there is nothing to attend to, and whoever asked knows why.  A
    starter that was killed takes this process along, and with it the kernel kills PID 1: whoever finds that sweeps.
    """
    ours, theirs = wire.pair()
    monitor = os.getpid()
    starter = os.fork()
    if starter == 0:
        ours.close()
        forks.live(lambda: as_starter(start, theirs, monitor))
    theirs.close()
    let_go()
    running = receive(ours)
    ours.close()
    status = os.waitpid(starter, 0)[1]
    if running is not None:
        for ended in running.ended:
            os.waitpid(ended, 0)
    elif status:
        os._exit(1)
    else:
        _reap_all()
    return running


def as_starter(start: Callable[[Channel], None], channel: Channel, monitor: int) -> None:
    """What a starter does, from its first instruction to its last."""
    # It has the container's lock, which must go when the monitor does.
    prctl.set_parent_death_signal(_SIGKILL)
    if os.getppid() != monitor:
        os._exit(1)
    start(channel)


def _reap_all() -> None:
    """A starter that gives up has ended what it made."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
