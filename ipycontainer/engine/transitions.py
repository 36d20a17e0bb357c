"""What moves a container from state to state after its start: signals, stop, restart, pause."""

from __future__ import annotations

import os

from ipycontainer.engine import kinds
from ipycontainer.engine.launches import refuse_restarting
from ipycontainer.engine.signals import number_of
from ipycontainer.errors import InputError, Refused, TimedOut, WrongState
from ipycontainer.linux import locks
from ipycontainer.runtime import lifecycle
from ipycontainer.runtime.container_state import PAUSED, RESTART_LOCK, RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.container import Container

_SIGKILL, _SIGTERM = 9, 15
_LOOK = 0.5  # seconds


def kill(container: Container, signal: str | int) -> None:
    """Send a signal to PID 1."""
    number = number_of(signal)
    if not container.state().runs:
        raise WrongState(f"Cannot kill container: {container.name}: Container {container.id} is not running")
    # docker's rule: what ends it, or may, must reach it; where a stop signal was named, another is kept for later.
    named = container.config["stop_signal"]
    decides = not named or number == _SIGKILL or number == number_of(named)
    _send(container, number, thaw=decides, final=decides)


def stop(container: Container, timeout: float | None, signal: str | int) -> None:
    """Ask it to end, and see to it that it does."""
    given = kinds.patience(timeout, "timeout")
    patience = float(container.config["stop_timeout"]) if given is None else given
    if patience < 0:
        patience = float("inf")
    number = number_of(signal) if signal else _stop_signal(container)
    began = container.state().started
    try:
        _send(container, number)
        lifecycle.wait(container.folder, container.run_folder, patience, started=True)
    except TimedOut:
        kill_and_wait(container)
    except WrongState:
        if container.has_restart_policy:
            # It has just ended, and was to be started again: its monitor is about to see that it is not.
            _await_end(container, began)
        return
    _tell(container, "stop")


def _stop_signal(container: Container) -> int:
    """Its own; an image may name what is no signal, and docker then sends SIGTERM."""
    try:
        return number_of(container.config["stop_signal"] or _SIGTERM)
    except InputError:
        return _SIGTERM


def kill_and_wait(container: Container) -> None:
    """SIGKILL, and until its monitor is gone."""
    began = container.state().started
    try:
        _send(container, _SIGKILL)
    except WrongState:
        pass  # it has just ended
    _await_end(container, began)


def _await_end(container: Container, began: float) -> None:
    """Until it has ended for good, or somebody else has started it anew: then that end is not ours to wait for.

    began: when the start began that was to be ended.
    """
    while True:
        try:
            lifecycle.wait(container.folder, container.run_folder, _LOOK, started=True)
            return
        except TimedOut:
            if _is_started_anew(container, began):
                return


def _is_started_anew(container: Container, began: float) -> bool:
    if not container.has_restart_policy:
        return container.state().started != began
    # Its policy starts it too, until it sees that it was stopped by hand; a start by hand forgets that.
    from ipycontainer.runtime.inside import stopped

    return stopped.read(container.folder) != stopped.FINAL


def _send(container: Container, signal: int, thaw: bool = True, final: bool = True) -> None:
    lifecycle.kill(container.engine.launcher, killing(container, signal, thaw, final))


def killing(container: Container, signal: int = _SIGKILL, thaw: bool = True, final: bool = True) -> dict[str, Any]:
    """The request to send it `signal`: of its own, or as a removal brings it along."""
    folder = container.folder if container.has_restart_policy else ""
    return lifecycle.killing(container.run_folder, signal, thaw, folder, final, _event(container))


def restart(container: Container, timeout: float | None, signal: str | int) -> None:
    """Stop it if it runs; start it."""
    if signal:
        number_of(signal)  # nothing has happened yet
    container.must_be_there()
    container.engine.directory.read_launch(container.id)  # what cannot be started again is not stopped
    if container.state().runs:
        _stop_to_start(container, timeout, signal)
    try:
        container.start()
    except WrongState:
        if container.status != RUNNING:
            raise  # else somebody has started it at the same moment
    _tell(container, "restart")


def _stop_to_start(container: Container, timeout: float | None, signal: str | int) -> None:
    """Its monitor removes it with --rm, unless it finds this lock held; when we are killed it is not."""
    if not container.config["request"]["remove"]:
        stop(container, timeout, signal)
        return
    path = os.path.join(container.run_folder, RESTART_LOCK)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return  # it has just ended, and goes
    try:
        if not locks.take(descriptor):
            raise WrongState(f"container {container.name} is being restarted already; wait until that is done")
        stop(container, timeout, signal)
    finally:
        os.close(descriptor)


def pause(container: Container) -> None:
    """Freeze its processes."""
    status = container.status
    if status == PAUSED:
        raise WrongState(f"Container {container.id} is already paused")
    refuse_restarting(container, status)
    if status != RUNNING:
        raise WrongState(f"Container {container.id} is not running")
    try:
        lifecycle.pause(container.engine.launcher, container.run_folder, _event(container))
    except Refused as error:
        raise Refused(f"container {container.name} cannot be paused: {error}") from None


def unpause(container: Container) -> None:
    """Thaw them."""
    if container.status != PAUSED:
        raise WrongState(f"Container {container.id} is not paused")
    lifecycle.unpause(container.engine.launcher, container.run_folder, _event(container))


def _event(container: Container) -> lifecycle.Event:
    return container.engine.journal.path, container.id, container.told


def _tell(container: Container, action: str) -> None:
    container.engine.journal.append("container", action, container.id, container.told)
