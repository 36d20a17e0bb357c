"""The monitor: one process for each container, from before its first process to its record.

Parent of PID 1, outside the container's cgroup and namespaces.  The launcher forks it ahead; while its starter makes a
slot, waits in it and starts what comes, it does nothing.  From then on it holds the lock, the log and the streams,
waits for the end, writes the record, sweeps.  If it is killed the kernel kills the container.

It touches as little as it can: every page that it writes to is its own for as long as the container lives.
"""

from __future__ import annotations

import os
import time

from ipycontainer.launcher import wire
from ipycontainer.linux import cgroups, prctl
from ipycontainer.runtime.inside import clients, ending, handing_over, life, log, restart, stopped
from ipycontainer.runtime.inside.charge import charge_of
from ipycontainer.runtime.inside.first import First
from ipycontainer.runtime.inside.probe import Probes
from ipycontainer.runtime.inside.starter import Starter
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.inside.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.launcher.wire import Channel
    from ipycontainer.runtime.inside.handing_over import Running
    from ipycontainer.runtime.launch import Host, Launch


class Monitor:
    """One container, from the moment its program runs."""

    def __init__(self, host: Host, running: Running) -> None:
        prctl.set_name("ipycontainer")
        self._host = host
        self._running = running
        self._charge = running.charge
        self._lock = running.lock
        self._launch = running.launch
        self._restarts = restart.Restarts()
        self._wait: float | None = None  # seconds until it is started again

    def see_to_the_end(self) -> None:
        """Attend to it, and start it again as often as its policy says."""
        self._live()
        while self._wait is not None:
            launch = self._launch
            assert launch is not None
            if not stopped.wait(launch.run, launch.folder, self._wait):
                self._give_up()
                return
            self._wait = None
            if not self._start_again(launch):
                return
            self._live()

    def _start_again(self, before: Launch) -> bool:
        """Whether it runs; if not, its starter has recorded why, and swept."""
        kept = dict(self._running.kept)
        launch = restart.next_launch(before, kept)
        charge = charge_of(launch, time.time()).replace(restarts=self._restarts.count)

        def start(monitor: Channel) -> None:
            Starter(self._host, charge, self._lock, None, First(Place(launch), monitor, kept), monitor, launch).start(
                launch
            )

        running = handing_over.begin(start)
        # What is held comes back, or is not needed any more.
        for descriptor in (self._lock, *kept.values()):
            os.close(descriptor)
        if running is None:
            return False
        self._running, self._charge, self._lock, self._launch = running, running.charge, running.lock, running.launch
        return True

    def _give_up(self) -> None:
        """Somebody has stopped it before it was started again."""
        try:
            ending.settle(self._charge)
        finally:
            ending.sweep_all(self._charge, "")
            os.close(self._lock)

    def _probes(self) -> Probes | None:
        launch, running = self._launch, self._running
        if launch is None or not launch.health:
            return None
        return Probes(launch, self._host, self._charge, running.pidfd, running.kinds, running.joins)

    def _live(self) -> None:
        """Pump until PID 1 has ended; then its status, its last words, its record."""
        charge, running = self._charge, self._running
        probes = self._probes()
        client = wire.adopt(running.client) if running.client >= 0 else None
        writer = log.LogWriter(charge.log_folder, charge.log_size, charge.log_files, durable=not charge.remove)
        streams = Streams(client, writer, charge.stdin_once)
        streams.listen(clients.open_listener(charge.run), {"started": running.child})
        streams.take(running.streams, charge.terminal)
        streams.hear_sizes(lambda rows, columns: life.record_event(charge, *life.resized(rows, columns)))
        if probes is not None:
            streams.tend(probes)
        streams.pump(running.pidfd)
        if probes is not None:
            probes.close()
        code = os.waitstatus_to_exitcode(os.waitpid(running.child, 0)[1])
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
        if running.mounts >= 0:
            os.close(running.mounts)  # the last of the container's mounts vanish
        if again:
            os.close(running.pidfd)
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
