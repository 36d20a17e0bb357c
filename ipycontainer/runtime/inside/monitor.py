"""The monitor: one process for each container, from its program's first instruction to its record.

Parent of PID 1, outside the container's cgroup and namespaces.  It holds the lock, the log and the streams,
waits for the end, writes the record, sweeps.  If it is killed the kernel kills the container.

It was forked ahead and has touched next to nothing: the starter did all that makes a start, and is gone.
"""

from __future__ import annotations

import os

from ipycontainer.launcher import wire
from ipycontainer.linux import cgroups, prctl
from ipycontainer.runtime.inside import ending, life, log
from ipycontainer.runtime.inside.charge import Charge
from ipycontainer.runtime.inside.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def keep(document: dict[str, Any], descriptors: list[int]) -> None:
    """Take over a container that a starter has started, and see it to its end.

    descriptors: the lock, PID 1's pidfd, the client's connection, then its output (stdout and stderr, or the
    terminal) and, if there is one, its input.
    """
    charge = Charge.from_dict(document)
    lock, pidfd, client, *streams = descriptors
    try:
        os.setsid()
        prctl.set_name("ipycontainer")
        Monitor(charge, pidfd, wire.adopt(client), streams).see_to_the_end()
    finally:
        os.close(lock)


class Monitor:
    """One container's life, once it lives."""

    def __init__(self, charge: Charge, pidfd: int, client: wire.Channel, streams: list[int]) -> None:
        self._charge = charge
        self._pidfd = pidfd
        if not charge.attach:
            client.close()
        self._streams = Streams(
            client if charge.attach else None, log.LogWriter(charge.log_folder, durable=not charge.remove)
        )
        self._streams.take(streams, charge.terminal)

    def see_to_the_end(self) -> None:
        """Pump until PID 1 has ended; then its status, its last words, its record."""
        charge = self._charge
        self._streams.pump(self._pidfd)
        code = os.waitstatus_to_exitcode(os.waitpid(charge.child, 0)[1])
        code = 128 - code if code < 0 else code
        self._streams.drain()
        killed = bool(charge.leaves) and cgroups.oom_kills(charge.leaves) > 0
        if killed:
            life.record_event(charge, "oom", {})
        life.record_event(charge, "die", {"exitCode": str(code)})
        self._streams.close_log()
        gone = ending.record(charge, code, killed, "")
        # The client knows as soon as the record is there; what is left to sweep nobody can see, and the names it
        # bears are free already.  A client that does not read holds nothing up.
        answer: dict[str, object] = {"answer": {"exit_code": code, "oom_killed": killed}}
        told = self._streams.finish(answer, wait=False)
        ending.sweep_all(charge, gone)
        if not told:
            self._streams.finish(answer, wait=True)
