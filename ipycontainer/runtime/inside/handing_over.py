"""From a starter to its monitor: a container that runs, and all that is held of it.

A forked process owns every page that it writes to, and Python writes to whatever it looks at.  So the process that
stays for as long as the container lives, the monitor, does nothing but wait until all is done that is done once: a
child of its own, the starter, sees to that and ends.  PID 1 is the monitor's child all the same (CLONE_PARENT).  What
only its end will ask for the monitor does not even read before: it lies in a connection until then.
"""

from __future__ import annotations

import marshal
import os

from ipycontainer.errors import KernelError
from ipycontainer.launcher import wire
from ipycontainer.linux import forks
from ipycontainer.record import Record
from ipycontainer.runtime.inside import clients
from ipycontainer.runtime.inside.charge import Charge
from ipycontainer.runtime.launch import Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipycontainer.launcher.wire import Channel
    from ipycontainer.runtime.inside.first import First

    Told = tuple[int, tuple[int, ...], bool, bool, bool, bool, str, int, int, bool, bool, bool, int]


class Running:
    """A container whose program runs: what its monitor needs for as long as it does.

    No record, and no reader of JSON before it: each would touch 50 KB more.

    child, pidfd: PID 1; lock: of its run folder; papers: a connection in which they lie; mounts: its mount namespace;
    client: whoever started it and attends; listener: where others come in (-1: none of these); kept: descriptors of
    the namespaces that its next PID 1 joins; streams: our ends of the program's; terminal, stdin_once: what they are;
    probed: there is a health check; log_folder, log_size, log_files, durable: see LogWriter; ended: children that did
    their part and are zombies.
    """

    def __init__(self, told: Told, held: list[int]) -> None:
        (
            self.child,
            self.ended,
            self.terminal,
            self.stdin_once,
            self.probed,
            self.durable,
            self.log_folder,
            self.log_size,
            self.log_files,
            mounts,
            client,
            listener,
            kept,
        ) = told
        self.lock, self.pidfd, self.papers = held[0], held[1], held[2]
        self.mounts = held[3] if mounts else -1
        self.client = held[3 + mounts] if client else -1
        self.listener = held[3 + mounts + client] if listener else -1
        first = 3 + mounts + client + listener
        self.kept = held[first : first + kept]
        self.streams = held[first + kept :]


class Papers(Record):
    """What is asked for at its end, or with its first probe.

    kinds, joins: what a probe enters; kept: the namespaces of Running.kept by kind; launch: how it is started, where
    that will be asked again.
    """

    charge: Charge
    kinds: tuple[str, ...]
    joins: tuple[str, ...]
    kept: tuple[str, ...]
    launch: Launch | None


def send(monitor: Channel, first: First, lock: int, streams: Sequence[int], client: int, papers: Papers) -> None:
    """Hand it over; whoever does has nothing left to do.  Raises LauncherError when the monitor is gone.

    client: whoever attends (-1: nobody).
    """
    place, charge, launch = first.place, papers.charge, papers.launch
    listener = clients.open_listener(charge.run)
    told: Told = (
        place.child,
        tuple(place.ended),
        charge.terminal,
        charge.stdin_once,
        bool(launch and launch.health),
        not charge.remove,
        charge.log_folder,
        charge.log_size,
        charge.log_files,
        first.mounts >= 0,
        client >= 0,
        listener is not None,
        len(first.kept),
    )
    held = [item for item in (first.mounts, client, listener) if item is not None and item >= 0]
    drawer, back = wire.pair()
    again = launch.as_dict() if launch is not None else None
    back.send({**papers.as_dict(), "charge": charge.as_dict(), "launch": again})
    given = [lock, place.pidfd, drawer.fileno(), *held, *first.kept.values(), *streams]
    monitor.send_bytes(marshal.dumps(told), given)


def receive(starter: Channel) -> Running | None:
    """What `send` sends; None when the starter has ended without."""
    found = starter.receive_bytes()
    if found is None:
        return None
    raw, held = found
    # From a child of this very process: the one kind of text that marshal is made for.
    return Running(marshal.loads(raw), held)


def take_up(papers: int) -> Papers:
    """What lies in that connection, which is closed; the other end of it went with the starter."""
    drawer = wire.adopt(papers)
    message = drawer.receive()
    drawer.close()
    assert message is not None
    document = message.document
    return Papers(
        Charge.from_dict(document["charge"]),
        tuple(document["kinds"]),
        tuple(document["joins"]),
        tuple(document["kept"]),
        Launch.from_dict(document["launch"]) if document["launch"] else None,
    )


def begin(start: Callable[[Channel], None], let_go: Callable[[], None] = lambda: None) -> Running | None:
    """Fork a starter that does `start`, and give what it hands over.

    Raises KernelError where it cannot be forked.

    let_go: closes what the starter alone needs.  None: there is nothing to attend to, and whoever asked knows why.  A
    starter that was killed takes this process along, and with it the kernel kills PID 1: whoever finds that sweeps.
    """
    ours, theirs = wire.pair()
    monitor = os.getpid()
    try:
        starter = os.fork()
    except OSError as error:
        raise KernelError("fork", error.errno or 0, "starter") from None
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
    forks.die_with(monitor)
    start(channel)


def _reap_all() -> None:
    """A starter that gives up has ended what it made."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
