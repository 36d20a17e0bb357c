"""The launcher's loop: one connection is one request is one forked job.

The launcher itself never reads a request: a slow or hostile client can only hold up its own child.  A spare is
forked ahead and waits in accept(), because a fork is a good part of what a start costs; the launcher puts another
in its place a moment later, out of the start's way.
"""

from __future__ import annotations

import _signal
import _socket
import os
import select
import struct
import sys
import time

from ipycontainer.errors import Error, InputError, to_wire
from ipycontainer.launcher.wire import Channel, pair
from ipycontainer.linux import prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, Protocol

    Job = Callable[[dict[str, Any], list[int], "JobChannel"], dict[str, Any] | None]

    class Prepared(Protocol):
        """What a starter has ready for one kind of job."""

        def give_up(self) -> None:
            """Let it go: the job is of another kind."""

    Keep = Callable[[dict[str, Any], list[int]], None]

_BACKLOG = 512
_PID = struct.Struct("i")

SPARES = 1
# What ps shows of a process that waits for a job.
SPARE = "ipyc-spare"
# A keeper's exit code when its starter was killed: the launcher then sweeps.
KILLED = 99
# Longer than a start takes, the cold way too: a new spare's preparation shall compete with none.
REFILL_SECONDS = 0.030


class Server:
    """Listens at `path` and forks `jobs` by name; leaves after `idle` seconds without any.

    keep: what a process does that a job has left something to; orphaned: called in a child when a job was
    killed, for what it was to clean up is still there; prepare: what a starter may do while it waits, so that
    less is to be done when somebody waits for it; its result is the job channel's `prepared`.
    """

    def __init__(
        self,
        path: str,
        jobs: dict[str, Job],
        keep: Keep,
        orphaned: Callable[[], None],
        prepare: Callable[[], Prepared | None],
        idle: float,
    ) -> None:
        self._path = path
        self._jobs = {**jobs, "launcher.leave": self._ask_to_leave}
        self._idle = idle
        self._keep = keep
        self._prepare = prepare
        self._orphaned = orphaned
        self._pid = os.getpid()
        self._children: set[int] = set()
        self._spares: set[int] = set()
        self._was_killed = False
        # A signal alone would not end poll(), which Python takes up again after a handler (PEP 475).
        self._wake, self._waker = os.pipe()
        # A spare says here that it is one no more.
        self._taken, self._taker = os.pipe()
        # Spares hold the reading end; it ends when the launcher does, however that happens.
        self._lifeline, self._life = os.pipe()
        self._listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
        temporary = f"{path}.{os.getpid()}"
        self._listener.bind(temporary)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        # Only a socket that listens gets the name that clients look for.
        os.rename(temporary, path)
        self._inode = os.stat(path).st_ino

    def serve(self) -> None:
        """Serve until idle for long enough or asked to leave.  Children go on without us."""
        _signal.signal(_signal.SIGCHLD, self._reap)
        _signal.signal(_signal.SIGUSR1, self._leave_soon)
        refill_at = time.monotonic()
        while True:
            ready = self._wait(refill_at)
            if self._wake in ready and b"!" in os.read(self._wake, 64):
                break
            if self._taken in ready:
                self._note_taken()
                # Anew at each: while requests follow each other closely, nothing is made ready between them.
                refill_at = time.monotonic() + REFILL_SECONDS
            if self._was_killed:
                self._was_killed = False
                self._fork(self._orphaned)
            late = refill_at and time.monotonic() >= refill_at
            if self._listener.fileno() in ready:
                self._fork_spare(self._nothing)
            elif late:
                refill_at = 0.0
                while len(self._spares) < SPARES:
                    self._fork_spare(self._prepare)
            if not ready and not late and not self._children - self._spares:
                break
        self._close()

    def _wait(self, refill_at: float) -> set[int]:
        """What is ready; the listener counts only while no spare waits for it."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.register(self._taken, select.POLLIN)
        if not self._spares:
            poll.register(self._listener.fileno(), select.POLLIN)
        limit = max(refill_at - time.monotonic(), 0) if refill_at else self._idle
        return {descriptor for descriptor, _ in poll.poll(limit * 1000)}

    def _note_taken(self) -> None:
        raw = os.read(self._taken, 64 * _PID.size)
        self._spares -= {pid for (pid,) in _PID.iter_unpack(raw)}

    def _close(self) -> None:
        """First the name goes, so that nobody new comes; then whoever is already in the queue is served."""
        try:
            if os.stat(self._path).st_ino == self._inode:  # else it is already a successor's
                os.unlink(self._path)
                os.unlink(self._path.removesuffix(".sock") + ".json")
        except FileNotFoundError:
            pass
        poll = select.poll()
        poll.register(self._listener.fileno(), select.POLLIN)
        while poll.poll(0):
            self._fork_spare(self._nothing)
            time.sleep(0.001)
        self._listener.close()
        os.close(self._life)  # the spares' word to go

    def _reap(self, _number: int, _frame: object) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._children.discard(pid)
            self._spares.discard(pid)
            if os.WIFSIGNALED(status) or status >> 8 == KILLED:
                self._was_killed = True
                os.write(self._waker, b"k")

    def _leave_soon(self, _number: int, _frame: object) -> None:
        os.write(self._waker, b"!")

    def _ask_to_leave(self, _request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
        os.kill(self._pid, _signal.SIGUSR1)
        return {}

    def _fork_spare(self, prepare: Callable[[], Prepared | None]) -> None:
        self._spares.add(self._fork(lambda: self._be_spare(prepare)))

    @staticmethod
    def _nothing() -> None:
        """Somebody is waiting already: the cold way."""

    def _fork(self, act: Callable[[], None]) -> int:
        """Run `act` in a child.  Nothing of this frame's ever returns into the launcher's loop there."""
        pid = os.fork()
        if pid:
            self._children.add(pid)
            return pid
        self._begin_child(act)

    def _begin_child(self, act: Callable[[], None]) -> NoReturn:
        status = 1
        try:
            for number in (_signal.SIGCHLD, _signal.SIGUSR1):
                _signal.signal(number, _signal.SIG_DFL)
            for descriptor in (self._wake, self._waker, self._taken, self._life):
                os.close(descriptor)
            act()
            status = 0
        except BaseException:  # noqa: BLE001 - a forked child: whatever it was, it ends here
            # The interpreter's own printer: `traceback` is a module, and no more are imported here.
            sys.__excepthook__(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _be_spare(self, prepare: Callable[[], Prepared | None]) -> None:
        """Two processes: a starter that waits for a connection and does one job, and a keeper that touches nothing.

        What a job must leave behind (a container's monitor) is the keeper: it is small, because all that a start
        needs was touched by the starter, which ends.
        """
        ours, theirs = pair()
        prctl.set_name(SPARE)
        starter = os.fork()
        if starter == 0:
            ours.close()
            self._start(theirs, prepare)
            return
        theirs.close()
        for descriptor in (self._taker, self._lifeline):
            os.close(descriptor)
        self._listener.close()
        message = ours.receive()
        ours.close()
        status = os.waitpid(starter, 0)[1]
        if message is not None:
            self._keep(message.document, list(message.descriptors))
        # Not every machine's PID 1 reaps orphans: what the starter cloned in our name, and did not leave to us, too.
        _reap_all()
        if message is None and os.WIFSIGNALED(status):
            os._exit(KILLED)

    def _start(self, keeper: Channel, prepare: Callable[[], Prepared | None]) -> None:
        prepared = prepare()
        poll = select.poll()
        poll.register(self._listener.fileno(), select.POLLIN)
        poll.register(self._lifeline, select.POLLIN)
        poll.register(keeper.fileno(), 0)  # a keeper that was killed hangs up, and nobody could be left a container
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if keeper.fileno() in ready:
                return
            try:
                descriptor, _ = self._listener._accept()  # type: ignore[attr-defined]
                break
            except BlockingIOError:
                if self._lifeline in ready:
                    return  # nobody is in the queue, and nobody will come
        os.write(self._taker, _PID.pack(os.getppid()))
        for end in (self._taker, self._lifeline):
            os.close(end)
        self._listener.close()
        sock = _socket.socket(fileno=descriptor)
        sock.setblocking(True)
        prctl.set_name("ipycontainer")
        run_job(self._jobs, JobChannel(sock, keeper, prepared))


class JobChannel(Channel):
    """A job's connection to its caller.

    keeper: the process that a document may be left to; prepared: what was made ready before anybody asked, for
    the job called `prepared_for`.
    """

    prepared_for = "run"

    def __init__(self, sock: _socket.socket, keeper: Channel, prepared: Prepared | None) -> None:
        super().__init__(sock)
        self.keeper = keeper
        self.prepared = prepared


def _reap_all() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def run_job(jobs: dict[str, Job], channel: JobChannel) -> None:
    """Receive one request, do the job, send its answer or its error."""
    try:
        message = channel.receive()
        if message is None:
            return
        document = message.document
        name, request = (document or {}).get("job"), (document or {}).get("request")
        job = jobs.get(name) if isinstance(name, str) else None
        if job is None or not isinstance(request, dict):
            raise InputError(f"the launcher has no job {name!r} for such a request")
        if document["job"] != channel.prepared_for and channel.prepared is not None:
            channel.prepared.give_up()
        answer = job(document["request"], list(message.descriptors), channel)
    except Error as error:
        channel.send({"error": to_wire(error)})
        return
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        # No client of ours asks so; or it is a mistake of ours, and then the log has to say where.
        sys.__excepthook__(*sys.exc_info())
        channel.send({"error": to_wire(InputError(f"the job {name!r} cannot use this request: {error!r}"))})
        return
    if answer is not None:
        channel.send({"answer": answer})
