"""The launcher's loop: one connection is one request, served by a process that does nothing else meanwhile.

The launcher itself reads no request while it can fork: a slow or hostile client can only hold up its own child.  There
are two queues, one for starts of containers and one for all other jobs.  Processes are forked ahead and wait at them,
because a fork, and what comes first after it, is a good part of what a start costs; when one is taken the launcher puts
another in its place a moment later, out of the way.  Who did what leaves nothing in a process (a kill, a removal) waits
for a moment himself: whoever removes a thousand containers asks a thousand times.
"""

from __future__ import annotations

import _signal
import os
import select
import sys
import time

from ipycontainer.errors import Error, InputError, LauncherError, to_wire
from ipycontainer.launcher import unforked
from ipycontainer.launcher.queue import Queue
from ipycontainer.launcher.waiting import PID, Waiting
from ipycontainer.launcher.wire import Channel
from ipycontainer.linux import forks, pidfd, prctl
from ipycontainer.linux.signal_pipe import SignalPipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Job = Callable[[dict[str, Any], list[int], Channel], dict[str, Any] | None]

# What ps shows of a process that waits for a request.
SPARE = "ipyc-spare"
# Longer than a start takes, the cold way too: what is made ready shall compete with none.
REFILL_SECONDS = 0.030
# How long those who wait may take to tidy up when the launcher leaves.
_PATIENCE = 2.0


class Server:
    """Listens at PATH.sock for jobs and at PATH.start for starts; leaves after `idle` seconds without any.

    jobs: by name; brief: those that take no time and leave nothing in the process that did one; urgent: those that the
    launcher does itself where nobody can be forked (unforked.py); attend: what is done for the next start by a process
    forked for it; slots: how many such processes are kept ready at most; rehearse: what one may do that waits for a
    job, so that less is to be done when somebody waits for it; orphaned: called in a child when one was killed, for
    what it was to clean up is still there.
    """

    def __init__(
        self,
        path: str,
        jobs: dict[str, Job],
        brief: frozenset[str],
        urgent: dict[str, Job],
        attend: Callable[[Waiting], None],
        slots: int,
        rehearse: Callable[[], None],
        orphaned: Callable[[], None],
        idle: float,
    ) -> None:
        self._facts = path + ".json"
        # A successor may have written its own by the time that we leave.
        self._facts_inode = os.stat(self._facts).st_ino if os.path.exists(self._facts) else 0
        self._idle = idle
        self._urgent = urgent
        self._orphaned = orphaned
        self._pid = os.getpid()
        self._children: set[int] = set()
        self._sweepers: set[int] = set()
        # A signal alone would not end poll(), which Python takes up again after a handler (PEP 475).
        self._signals = SignalPipe((_signal.SIGCHLD, _signal.SIGUSR1))
        # Whoever waits says here that it does no more.
        self._taken, self._taker = os.pipe()
        # Those who wait hold the reading end; it ends when the launcher does, however that happens.
        self._lifeline, self._life = os.pipe()
        known = {**jobs, "launcher.leave": self._ask_to_leave}

        def serve(waiting: Waiting) -> None:
            if not waiting.hurried:
                rehearse()
            while (channel := waiting.accept(stays=True)) is not None:
                prctl.set_name("ipycontainer")
                if not run_job(known, brief, channel, waiting):
                    return
                channel.close()
                prctl.set_name(SPARE)

        self._queues = (Queue(path + ".start", attend, slots), Queue(path + ".sock", serve, 1))

    def serve(self) -> None:
        """Serve until idle for long enough or asked to leave.  Children go on without us."""
        with self._signals:
            self._until_left()
            self._close()

    def _until_left(self) -> None:
        refill_at = time.monotonic()
        while True:
            ready = self._wait(refill_at)
            if self._taken in ready:
                self._note_taken()
                # Anew at each: while requests follow each other closely, nothing is made ready between them.
                refill_at = time.monotonic() + REFILL_SECONDS
            if self._signals.reader in ready:
                if _signal.SIGUSR1 in self._signals.arrived():
                    return
                self._reap()
            late = refill_at and time.monotonic() >= refill_at
            for queue in self._queues:
                if queue.listener.fileno() in ready:
                    self._fork_waiting(queue, hurried=True)
                elif late:
                    refill_at = 0.0
                    for _ in range(queue.missing(time.monotonic())):
                        self._fork_waiting(queue, hurried=False)
            if not ready and not late and self._is_idle():
                return

    def _is_idle(self) -> bool:
        return all(any(child in queue.waiting for queue in self._queues) for child in self._children)

    def _wait(self, refill_at: float) -> set[int]:
        """What is ready; a listener counts only while nobody waits at it."""
        poll = select.poll()
        poll.register(self._signals.reader, select.POLLIN)
        poll.register(self._taken, select.POLLIN)
        for queue in self._queues:
            if not queue.waiting:
                poll.register(queue.listener.fileno(), select.POLLIN)
        limit = max(refill_at - time.monotonic(), 0) if refill_at else self._idle
        return {descriptor for descriptor, _ in poll.poll(limit * 1000)}

    def _note_taken(self) -> None:
        raw = os.read(self._taken, 64 * PID.size)
        for (pid,) in PID.iter_unpack(raw):
            for queue in self._queues:
                if pid > 0:
                    queue.take(pid)
                else:
                    queue.take_back(-pid)

    def _close(self) -> None:
        """First the names go, so that nobody new comes; then whoever is already in the queues is served."""
        for queue in self._queues:
            ours = queue.unlink()
        if ours and os.path.exists(self._facts) and os.stat(self._facts).st_ino == self._facts_inode:
            os.unlink(self._facts)
        for queue in self._queues:
            poll = select.poll()
            poll.register(queue.listener.fileno(), select.POLLIN)
            while poll.poll(0):
                self._fork_waiting(queue, hurried=True)
                time.sleep(0.001)
            queue.listener.close()
        os.close(self._life)  # the word to go, for those who wait
        end = time.monotonic() + _PATIENCE
        self._reap()  # a child may have ended as the word to leave came
        while (self._sweepers or any(queue.waiting for queue in self._queues)) and time.monotonic() < end:
            poll = select.poll()
            poll.register(self._taken, select.POLLIN)
            poll.register(self._signals.reader, select.POLLIN)
            ready = {descriptor for descriptor, _ in poll.poll(_PATIENCE * 1000)}
            if self._taken in ready:
                self._note_taken()
            if self._signals.arrived():
                self._reap()

    def _reap(self) -> None:
        """In the loop and not in the signal's handler: there a child could end before its number is written down."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._children.discard(pid)
            for queue in self._queues:
                queue.forget(pid)
            if status and pid not in self._sweepers and (sweeper := self._fork(self._sweep)):
                # Killed, or out of its depth: what it was to clean up is still there.
                self._sweepers.add(sweeper)
            self._sweepers.discard(pid)

    def _sweep(self) -> None:
        self._close_listeners()
        self._orphaned()

    def _close_listeners(self) -> None:
        """In a child that serves nobody: with us killed, clients would still be taken in, and wait for it to end."""
        for queue in self._queues:
            queue.listener.close()

    def fork_sweeper(self, also: int) -> None:
        """Before we serve: see to what killed processes left, in a child that nobody waits for.

        also: a descriptor that the child closes.
        """
        if os.fork() == 0:

            def sweep() -> None:
                for descriptor in (also, self._taken, self._life):
                    os.close(descriptor)
                self._sweep()

            forks.live(sweep)

    def _ask_to_leave(self, _request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
        # By descriptor, and only to our parent: we may have outlived the launcher, and its number may be another's.
        launcher = pidfd.open_process(self._pid)
        if os.getppid() != self._pid:
            raise LauncherError("the launcher was killed")
        pidfd.send_signal(launcher, _signal.SIGUSR1)
        return {}

    def _fork_waiting(self, queue: Queue, hurried: bool) -> None:
        def wait() -> None:
            for other in self._queues:
                if other is not queue:
                    other.listener.close()
            prctl.set_name(SPARE)
            queue.attend(Waiting(queue.listener, self._lifeline, self._taker, hurried))

        if child := self._fork(wait):
            queue.waiting.add(child)
        elif hurried:
            unforked.serve_next(queue.listener, self._urgent if queue is self._queues[1] else {})

    def _fork(self, act: Callable[[], None]) -> int:
        """Run `act` in a child; 0 where there can be none: that shall not end us, who are needed to end others.

        Nothing of this frame's ever returns into the launcher's loop there.
        """
        try:
            pid = os.fork()
        except OSError:
            return 0
        if pid:
            self._children.add(pid)
            return pid
        forks.live(lambda: self._begin_child(act))

    def _begin_child(self, act: Callable[[], None]) -> None:
        self._signals.close()
        for descriptor in (self._taken, self._life):
            os.close(descriptor)
        act()


def run_job(jobs: dict[str, Job], brief: frozenset[str], channel: Channel, waiting: Waiting) -> bool:
    """Receive one request, do the job, send its answer or its error; whether this process waits again.

    It does after a job of `brief` that went well; before any other it leaves the queue.
    """
    waiting.await_request(channel)
    try:
        message = channel.receive()
        if message is None:
            return False
        document = message.document
        name, request = (document or {}).get("job"), (document or {}).get("request")
        job = jobs.get(name) if isinstance(name, str) else None
        if job is None or not isinstance(request, dict):
            raise InputError(f"the launcher has no job {name!r} for such a request")
        if waiting.is_in_queue and (name not in brief or message.descriptors):
            waiting.close()
        answer = job(document["request"], list(message.descriptors), channel)
    except Error as error:
        channel.send({"error": to_wire(error)})
        return False
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        # No client of ours asks so; or it is a mistake of ours, and then the log has to say where.
        sys.__excepthook__(*sys.exc_info())
        channel.send({"error": to_wire(InputError(f"the job {name!r} cannot use this request: {error!r}"))})
        return False
    # Before the answer: whoever has it may ask for more at once.
    stays = waiting.is_in_queue and waiting.come_back()
    if answer is not None:
        channel.send({"answer": answer})
    return stays
