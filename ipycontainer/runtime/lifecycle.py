"""The engine's door to the runtime: start, exec, kill, sweep, each one request to the launcher."""

from __future__ import annotations

import os
import select
import time

from ipycontainer.errors import LauncherError, TimedOut, WrongState
from ipycontainer.launcher.alive import is_alive
from ipycontainer.launcher.client import Launcher
from ipycontainer.launcher.wire import Channel, Message
from ipycontainer.runtime.container_state import CREATED, State, read_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.runtime.attachment import Attachment
    from ipycontainer.runtime.launch import Launch

    # What a job writes into the journal: its path, the container's id, its attributes there.
    Event = tuple[str, str, dict[str, str]]


def start(
    launcher: Launcher, job: str, launch: Launch, meanwhile: Callable[[], None] | None = None
) -> Attachment | None:
    """Start a container ("run") or one more program in it ("exec"); an Attachment if `launch.attach`.

    meanwhile: what the caller does as long as it would only wait.
    Returns when the program has been executed.  Raises StartError and its kin (125, 126, 127).
    """
    channel, message = launcher.begin(job, launch.as_dict(), meanwhile)
    if not launch.attach:
        channel.close()
        return None
    return _attached(channel, message)


def attach(run: str, stdin: bool) -> Attachment:
    """Join those who listen to a running container; stdin: its input ends with ours, if it was made so.

    Raises WrongState where nobody is there to be joined.
    """
    folder = os.open(run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) if os.path.isdir(run) else -1
    try:
        channel = _connect(folder, run)
    finally:
        if folder >= 0:
            os.close(folder)
    try:
        channel.send({"stdin": stdin})
        message = channel.receive()
    except LauncherError:
        message = None
    if message is None or "started" not in message.document:
        channel.close()
        raise WrongState(STOPPED)
    return _attached(channel, message)


def _attached(channel: Channel, message: Message) -> Attachment:
    from ipycontainer.runtime.attachment import Attachment

    return Attachment(channel, int(message.document["started"]))


STOPPED = "You cannot attach to a stopped container, start it first"
_PATIENCE = 5.0


def _connect(folder: int, run: str) -> Channel:
    """A connection to the monitor, which listens from a moment after it has said that its program runs."""
    import _socket

    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    end = time.monotonic() + _PATIENCE
    while folder >= 0 and is_alive(run) and time.monotonic() < end:
        try:
            # By descriptor: the whole path would be longer than a socket's may be, unix(7).
            sock.connect(f"/proc/self/fd/{folder}/attach")
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.002)
            continue
        except OSError as error:
            sock.close()
            raise LauncherError(f"cannot reach the container's monitor in {run}: {error.strerror}") from None
        return Channel(sock)
    sock.close()
    raise WrongState(STOPPED)


def kill(launcher: Launcher, request: dict[str, Any]) -> None:
    """Send a signal to PID 1: what `killing` gives.  Raises WrongState when the container is not running."""
    launcher.call("kill", request)


def killing(
    run: str,
    signal: int,
    thaw: bool = False,
    folder: str = "",
    final: bool = False,
    event: Event | None = None,
) -> dict[str, Any]:
    """The request of `kill`, which a removal may bring along; thaw: let a paused one go on, so that it meets it.

    folder: the container's own, where it has a restart policy, which shall know that somebody stops it; final: no
    policy starts it again.  One that waits to be started again is only kept from it.  event: see the job.
    """
    return {"run": run, "signal": signal, "thaw": thaw, "folder": folder, "final": final, "event": event}


def pause(launcher: Launcher, run: str, event: Event) -> None:
    """Let its processes stand still.  Raises WrongState unless it runs, Refused where there is no freezer."""
    launcher.call("pause", {"run": run, "event": event})


def unpause(launcher: Launcher, run: str, event: Event) -> None:
    """Let them go on.  Raises WrongState when the container is not running."""
    launcher.call("unpause", {"run": run, "event": event})


def limit(launcher: Launcher, run: str, resources: dict[str, Any], launch: Launch | None = None) -> None:
    """Write these limits (`linux.resources`) to the control groups of a container that runs.

    launch: how its restart policy starts it from here on.
    Raises WrongState, Refused, and KernelError for a value that the kernel refuses.
    """
    renewed = launch.as_dict() if launch else None
    launcher.call("limit", {"run": run, "resources": resources, "launch": renewed})


class standing_still:
    """In a `with`: the container's processes stand still.  Raises WrongState, Refused without a freezer."""

    def __init__(self, launcher: Launcher, run: str) -> None:
        self._launcher = launcher
        self._run = run

    def __enter__(self) -> None:
        try:
            self._channel = self._frozen()
        except LauncherError:
            self._let_go_anew()  # the job was killed, perhaps between freezing and saying so
            raise

    def _frozen(self) -> Channel:
        return self._launcher.begin("hold", {"run": self._run})[0]

    def __exit__(self, *_: object) -> None:
        if not self._let_go(self._channel):
            self._let_go_anew()

    def _let_go_anew(self) -> None:
        """The job was killed, and nobody has let them go: the next one does."""
        try:
            self._let_go(self._frozen())
        except WrongState:
            pass  # the container has ended

    @staticmethod
    def _let_go(channel: Channel) -> bool:
        """Whether they go on."""
        try:
            channel.send({})
            return channel.receive() is not None
        except LauncherError:
            return False
        finally:
            channel.close()


def sweep(launcher: Launcher, run: str) -> None:
    """Remove what a container whose monitor was killed left in the kernel."""
    launcher.call("sweep", {"run": run})


def delete(launcher: Launcher, request: dict[str, Any]) -> bool:
    """Sweep, and remove the container's folder and name: request as the job "remove" has it.  Whether it did."""
    return bool(launcher.call("remove", request)["removed"])


def wait(folder: str, run: str, timeout: float | None = None, started: bool = False, once: bool = False) -> State:
    """Until the container has ended, is swept, and its monitor is gone; its last state.

    Raises TimedOut after `timeout` seconds.  A created container is waited for to start, unless it
    has `started`: then it was made with --rm, and is kept to be started again.
    once: its next end is enough, if its restart policy starts it again or not.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    before: State | None = None
    while True:
        state = read_state(folder, run)
        before = before or state
        if once and state.restarts > before.restarts:
            return state
        waits = state.status == CREATED and state.exit_code is None and not started
        if not state.runs and not waits and not is_alive(run):
            return state
        if not os.path.isdir(folder):
            return state
        left = 3600.0 if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimedOut(f"the container did not end within {timeout:g} s; it goes on")
        _wait_for_process((once and state.pid) or state.monitor, min(left, 1.0))


def wait_for_sweep(run: str, seconds: float) -> None:
    """Until the run folder of a container that has ended is gone, at most so long."""
    end = time.monotonic() + seconds
    while os.path.isdir(run) and time.monotonic() < end:
        time.sleep(0.002)


def _wait_for_process(pid: int, limit: float) -> None:
    """Until process `pid` ends, at most `limit` seconds; without one, a short while."""
    try:
        descriptor = os.pidfd_open(pid) if pid else -1
    except OSError:
        descriptor = -1
    if descriptor < 0:
        time.sleep(min(limit, 0.01))
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(limit * 1000)
    finally:
        os.close(descriptor)
