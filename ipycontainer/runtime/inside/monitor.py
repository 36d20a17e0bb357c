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
from ipycontainer.runtime.container_state import UNWANTED_MARK
from ipycontainer.runtime.inside import clients, ending, handing_over, life, log, restart, stopped
from ipycontainer.runtime.inside.charge import charge_of
from ipycontainer.runtime.inside.first import First
from ipycontainer.runtime.inside.probe import Probes
from ipycontainer.runtime.inside.starter import Starter
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.inside.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ipycontainer.launcher.wire import Channel
    from ipycontainer.runtime.inside.charge import Charge
    from ipycontainer.runtime.inside.handing_over import Papers, Running
    from ipycontainer.runtime.launch import Host, Launch


class Monitor:
    """One container, from the moment its program runs."""

    def __init__(self, host: Host, running: Running) -> None:
        prctl.set_name("ipycontainer")
        self._host = host
        self._running = running
        self._taken_up: Papers | None = None
        self._restarts: restart.Restarts | None = None  # made with the first: most containers never see one
        self._launch: Launch | None = None  # how it is started again, once that is decided
        self._wait: float | None = None  # seconds until then

    def _papers(self) -> Papers:
        """What is asked for at its end, or with its first probe."""
        if self._taken_up is None:
            self._taken_up = handing_over.take_up(self._running.papers)
        return self._taken_up

    def see_to_the_end(self) -> None:
        """Attend to it, and start it again as often as its policy says."""
        charge = self._live()
        while self._wait is not None:
            launch = self._launch
            assert launch is not None
            if not stopped.wait(launch.run, launch.folder, self._wait):
                self._give_up(charge)
                return
            self._wait = None
            if not self._start_again(launch):
                return
            charge = self._live()

    def _start_again(self, before: Launch) -> bool:
        """Whether it runs; if not, its starter has recorded why, and swept."""
        assert self._restarts is not None
        lock, kept = self._running.lock, dict(zip(self._papers().kept, self._running.kept))
        launch = restart.next_launch(before, kept)
        charge = charge_of(launch, time.time()).replace(restarts=self._restarts.count)

        def start(monitor: Channel) -> None:
            Starter(self._host, charge, lock, None, First(Place(launch), monitor, kept), monitor, launch).start(launch)

        running = handing_over.begin(start)
        # What is held comes back, or is not needed any more.
        for descriptor in (lock, *kept.values()):
            os.close(descriptor)
        if running is None:
            return False
        self._running, self._taken_up = running, None
        return True

    def _give_up(self, charge: Charge) -> None:
        """Somebody has stopped it before it was started again."""
        try:
            ending.settle(charge)
        finally:
            ending.sweep_all(charge, "")
            os.close(self._running.lock)

    def _probes(self) -> Probes | None:
        running = self._running
        if not running.probed:
            return None
        papers = self._papers()
        assert papers.launch is not None
        return Probes(papers.launch, self._host, papers.charge, running.pidfd, papers.kinds, papers.joins)

    def _note_size(self, rows: int, columns: int) -> None:
        charge = self._papers().charge
        life.record_event(charge, *life.resized(rows, columns))

    def _live(self) -> Charge:
        """Pump until PID 1 has ended; then its status, its last words, its record.  Gives what was recorded of it."""
        running = self._running
        probes = self._probes()
        client = wire.adopt(running.client) if running.client >= 0 else None
        writer = log.LogWriter(running.log_folder, running.log_size, running.log_files, durable=running.durable)
        streams = Streams(client, writer, running.stdin_once)
        if running.listener >= 0:
            streams.listen(clients.Listener(running.listener), {"started": running.child})
        streams.take(running.streams, running.terminal)
        streams.hear_sizes(self._note_size)
        if probes is not None:
            streams.tend(probes)
        streams.pump(running.pidfd)
        if probes is not None:
            probes.close()
        code = os.waitstatus_to_exitcode(os.waitpid(running.child, 0)[1])
        code = 128 - code if code < 0 else code
        streams.drain()
        streams.release()
        charge = self._papers().charge
        killed = bool(charge.leaves) and cgroups.oom_kills(charge.leaves) > 0
        unwanted = os.path.exists(os.path.join(charge.run, UNWANTED_MARK))
        writer.durable = writer.durable and not unwanted
        streams.close_log()
        charge = self._decide(charge, code)
        again = self._wait is not None
        happened: list[ending.Event] = [("oom", {})] if killed else []
        if probes is not None and not charge.remove:
            probes.keep()
        life.mark_ending(running.lock)
        gone = ending.record(
            charge, code, killed, "", [*happened, ("die", {"exitCode": str(code)})], again, not unwanted
        )
        # The client knows as soon as the record is there; what is left to sweep nobody can see, and the names it
        # bears are free already.  A client that does not read holds nothing up.
        answer: dict[str, object] = {"answer": {"exit_code": code, "oom_killed": killed}}
        told = streams.finish(answer, wait=False)
        if running.mounts >= 0:
            os.close(running.mounts)  # the last of the container's mounts vanish
        if again:
            os.close(running.pidfd)
            ending.sweep_to_restart(charge, running.lock, self._host.mode)
            if not told:
                self._tell_apart(lambda: streams.finish(answer, wait=True))
            return charge
        ending.sweep_all(charge, gone)
        os.close(running.lock)
        if not told:
            streams.finish(answer, wait=True)
        return charge

    def _tell_apart(self, tell: Callable[[], object]) -> None:
        """A client that does not read holds nobody up but a process of its own, which somebody else will reap."""
        try:
            child = os.fork()
        except OSError:
            return  # this account may have no more: that client misses it
        if child:
            os.waitpid(child, 0)
            return
        try:
            if os.fork() == 0:
                for descriptor in (self._running.lock, *self._running.kept):
                    os.close(descriptor)
                tell()
        finally:
            os._exit(0)

    def _decide(self, charge: Charge, code: int) -> Charge:
        """Whether it is started again, and when; gives its charge, which counts that."""
        launch = self._launch = restart.renewed(charge.run) or self._papers().launch
        if launch is None or not launch.restart:
            return charge
        ran = time.time() - charge.started
        mark = stopped.read(charge.folder)
        self._restarts = self._restarts or restart.Restarts()
        self._wait = self._restarts.wait_after(launch.restart, launch.retries, code, ran, mark)
        return charge.replace(restarts=self._restarts.count)
