"""The probes of a health check: an exec now and then, which the container's own monitor starts, reads and ends.

RUN/health      status, failing streak, the last results.  Written by the monitor alone, by rename, after each result;
                read by `inspect` and `ps`.  It goes with the run folder: a monitor that was killed leaves its last
                word there, until whoever finds it dead has swept it.
FOLDER/health   the same, written at an end that is recorded; `started` says of which start it is the last word, so
                that of an end that nobody recorded nothing is said.

Between the monitor and a probe's program there is one process, the program's parent.  It ends the program and all
that descends from it when its channel says so or ends: at the time limit, with the container, and with a monitor that
was killed.
"""

from __future__ import annotations

import os
import select
import time

from ipycontainer.errors import Error, from_wire, to_wire
from ipycontainer.json_text import dumps
from ipycontainer.launcher import wire
from ipycontainer.linux import cgroups, descriptors
from ipycontainer.linux import pidfd as pidfds
from ipycontainer.linux.durability import write_file
from ipycontainer.linux.process_tree import end_tree, kill_tree
from ipycontainer.runtime.container_state import HEALTH
from ipycontainer.runtime.inside import freezer, life
from ipycontainer.runtime.inside.entering import Entering
from ipycontainer.runtime.inside.exec_events import ExecEvents
from ipycontainer.runtime.inside.health import KEPT, Check, Health
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.program_plan import plan_exec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from ipycontainer.launcher.wire import Channel
    from ipycontainer.runtime.inside.charge import Charge
    from ipycontainer.runtime.inside.step import Step

LONGEST_OUTPUT = 4096
NEVER_RAN = -1
_PATIENCE = 10.0  # seconds: a probe's parent gives the kernel half of them
_HANGING = 2.0  # seconds: the container's other streams wait for this


class Probes:
    """The health check of one start of a container; the pump asks it for descriptors and for the next deadline.

    launch: of the container, with its `health`; pidfd: of PID 1; kinds, joins: what an exec joins (exec.py).
    """

    def __init__(
        self, launch: Launch, host: Host, charge: Charge, pidfd: int, kinds: tuple[str, ...], joins: tuple[str, ...]
    ) -> None:
        check = Check.of(launch.health or {})
        self._launch = _launch_of_probe(launch, check)
        self._host, self._charge, self._pidfd = host, charge, pidfd
        self._steps = (kinds, joins)
        self._health = Health(check, time.monotonic())
        self._log: list[dict[str, Any]] = []
        self._channel: Channel | None = None
        self._out = self._parent = -1
        self._output = b""
        self._began = 0.0
        self._ran_too_long = False
        self._write(charge.run)

    @property
    def due(self) -> float:
        """When `tend` has something to do, on the monotonic clock."""
        return self._health.due

    def descriptors(self) -> list[int]:
        """What may become readable."""
        return [self._channel.fileno(), *([self._out] if self._out >= 0 else [])] if self._channel else []

    def tend(self, readable: Sequence[int]) -> None:
        """Do what can be done, and what is due: begin a probe, or end one that has run too long."""
        if self._out in readable:
            self._read_output()
        if self._channel is not None and self._channel.fileno() in readable:
            self._hear(self._channel)
        now = time.monotonic()
        if now >= self._health.due:
            self._do(now)

    def _hear(self, channel: Channel) -> None:
        """What the probe's parent says, which is its last word."""
        message = channel.receive()
        if message is None:
            self._finish(NEVER_RAN, "the probe was killed")
        elif "error" in message.document:
            self._finish(NEVER_RAN, str(from_wire(message.document["error"])))
        else:
            self._finish(int(message.document["exit_code"]))

    def _do(self, now: float) -> None:
        if freezer.is_marked(self._charge.run) and cgroups.is_frozen(self._charge.leaves):
            self._health.put_off(now)
        elif self._channel is None:
            self._begin(now)
        elif not self._ran_too_long:
            self._ran_too_long = True
            self._health.put_off(now, _PATIENCE)  # its parent answers as soon as all of it is dead
            self._stop()
        else:
            self._health.put_off(now, _PATIENCE)
            end_tree(self._parent, _HANGING)  # it hangs on the way into the container, and its program with it

    def close(self) -> None:
        """The container has ended: nothing is probed any more."""
        if self._channel is not None:
            self._stop()
            end = pidfds.open_process(self._parent)
            if not pidfds.await_end(end, _PATIENCE):
                end_tree(self._parent, _HANGING)
            os.close(end)
            self._reap()

    def keep(self) -> None:
        """Let what was found outlast the run folder."""
        self._write(self._charge.folder)

    def _begin(self, now: float) -> None:
        self._health.begin(now)
        self._began, self._output, self._ran_too_long = time.time(), b"", False
        pipe: tuple[int, ...] = ()
        channels: tuple[Channel, ...] = ()
        try:
            pipe = out, theirs = os.pipe()
            channels = ours, channel = wire.pair()
            self._parent = os.fork()
        except OSError as error:
            # The user's processes or our descriptors are used up; the container's life does not hang on that.
            for descriptor in pipe:
                os.close(descriptor)
            for end in channels:
                end.close()
            self._take_down(NEVER_RAN, f"the probe could not be started: {error.strerror}")
            return
        if self._parent == 0:
            _be_parent(self._launch, self._host, self._steps, self._pidfd, theirs, channel)
        os.close(theirs)
        channel.close()
        os.set_blocking(out, False)
        self._out, self._channel = out, ours

    def _read_output(self) -> None:
        try:
            data = os.read(self._out, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            os.close(self._out)
            self._out = -1
        # One byte more than is shown says that there was more.
        self._output = (self._output + data)[: LONGEST_OUTPUT + 1]

    def _stop(self) -> None:
        assert self._channel is not None
        try:
            self._channel.send({"word": "stop"})
        except Error:
            pass  # it has ended by itself

    def _reap(self) -> None:
        assert self._channel is not None
        self._channel.close()
        self._channel = None
        os.waitpid(self._parent, 0)
        if self._out >= 0:
            os.close(self._out)
            self._out = -1

    def _finish(self, exit_code: int, said: str = "") -> None:
        """The one that runs has ended."""
        if self._out >= 0:
            self._read_output()  # what its program wrote last; what it left running may write for ever
        self._reap()
        if self._ran_too_long:
            exit_code, said = NEVER_RAN, f"Health check exceeded timeout ({go_duration(self._health.check.timeout)})"
        self._take_down(exit_code, said or _shown(self._output))

    def _take_down(self, exit_code: int, said: str) -> None:
        """A result: docker's record of it, and what it makes of the status."""
        result = {
            "Start": self._began,
            "End": time.time(),
            "ExitCode": exit_code,
            "Output": said,
        }
        self._output = b""
        self._log = [*self._log, result][-KEPT:]
        has_changed = self._health.end(exit_code, time.monotonic())
        self._write(self._charge.run)
        if has_changed:
            life.record_event(self._charge, f"health_status: {self._health.status}", {})

    def _write(self, folder: str) -> None:
        found = {
            "started": self._charge.started,
            "status": self._health.status,
            "streak": self._health.streak,
            "log": self._log,
        }
        try:
            write_file(os.path.join(folder, HEALTH), [dumps(found).encode()], 0o600, durable=False)
        except OSError:
            pass  # a full disk, or it was removed by force: what was known stays, the container goes on


def _shown(output: bytes) -> str:
    text = output[:LONGEST_OUTPUT].decode("utf-8", "replace")
    return text + "..." if len(output) > LONGEST_OUTPUT else text


def go_duration(seconds: float) -> str:
    """As Go prints a duration.

    >>> go_duration(30), go_duration(90), go_duration(0.25), go_duration(1.5), go_duration(3600)
    ('30s', '1m30s', '250ms', '1.5s', '1h0m0s')
    """
    if seconds < 1:
        return f"{seconds * 1000:.10g}ms"
    minutes, rest = divmod(round(seconds, 9), 60)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest:.11g}s"


def _launch_of_probe(launch: Launch, check: Check) -> Launch:
    """An exec of the check's command, with the container's own user, variables and working folder."""
    spec = {
        "process": {**launch.spec["process"], "args": list(check.command), "terminal": False},
        "linux": {"seccomp": launch.spec.get("linux", {}).get("seccomp")},
        "annotations": launch.spec.get("annotations", {}),
    }
    streams = {"terminal": False, "stdin": False, "attach": False}
    return launch.replace(spec=spec, lowers=[], etc={}, hold=False, init=False, **streams)


def _be_parent(
    launch: Launch, host: Host, joined: tuple[tuple[str, ...], tuple[str, ...]], pidfd: int, out: int, channel: Channel
) -> NoReturn:
    """The process between: start the program, answer with its end, end it when told to."""
    try:
        # The container's lock first: it would say that the monitor lives.
        descriptors.close_all_but([pidfd, out, channel.fileno()])
        channel.send(_answer(launch, host, joined, pidfd, out, channel))
    except Error:
        pass  # the monitor is gone, or will find us gone
    finally:
        os._exit(0)


def _answer(
    launch: Launch, host: Host, joined: tuple[tuple[str, ...], tuple[str, ...]], pidfd: int, out: int, channel: Channel
) -> dict[str, Any]:
    events = ExecEvents(launch)
    try:
        steps = plan_exec(launch, host, *joined)
        events.begin()
        program = _start(launch, steps, pidfd, out)
    except Error as error:
        return {"error": to_wire(error)}
    end = os.pidfd_open(program)
    poll = select.poll()
    for descriptor in (end, channel.fileno()):
        poll.register(descriptor, select.POLLIN)
    if all(descriptor != end for descriptor, _ in poll.poll()):
        status = kill_tree(program)
        if status is not None:
            events.die(_code_of(status))
        return {"exit_code": NEVER_RAN}
    code = _code_of(os.waitpid(program, 0)[1])
    events.die(code)
    return {"exit_code": code}


def _code_of(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _start(launch: Launch, steps: tuple[Step, ...], pidfd: int, out: int) -> int:
    """The program's process, once it is the program."""
    place = Place(launch)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    entering = Entering(place, pidfd, steps, [null, out, out])
    for descriptor in (null, out):
        os.close(descriptor)
    entering.await_program([])
    return place.child
