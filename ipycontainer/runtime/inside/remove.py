"""The job "remove": a container and all that it left; one that runs is killed first, in the same process."""

from __future__ import annotations

import os
import time

from ipycontainer.errors import KernelError, LauncherError, WrongState
from ipycontainer.launcher import alive
from ipycontainer.launcher.waiting import NO_PROCESS
from ipycontainer.linux import pidfd
from ipycontainer.runtime.container_state import UNWANTED_MARK
from ipycontainer.runtime.inside.kill import kill
from ipycontainer.runtime.inside.sweep import sweep_dead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel

# Seconds: how long a monitor may take to write down the end of what was killed.
_PATIENCE = 10.0
_LOOK = 0.1


def remove(request: dict[str, Any], descriptors: list[int], channel: Channel) -> dict[str, Any]:
    """request: run, folder, trash, names, name, id; volumes, journal: those that go with it; kill: the request of
    the job "kill", for one that runs.

    Gives whether it was removed here; else it was by its own end (--rm), or by somebody else.
    Raises WrongState while its monitor lives.
    """
    if request.get("kill"):
        run = str(request["run"])
        with _Unwanted(run):
            try:
                kill(request["kill"], descriptors, channel)
            except WrongState:
                pass  # it has just ended
            _await_monitor(run)
        if not os.path.isdir(request["folder"]):
            return {"removed": False}
    sweep_dead(str(request["run"]), request)
    return {"removed": True}


def remove_unforked(request: dict[str, Any], descriptors: list[int], channel: Channel) -> dict[str, Any]:
    """The same in the launcher itself, where it may make no process; raises LauncherError where volumes go along.

    Their lock may be held by somebody who waits for the launcher.
    """
    if request.get("volumes"):
        raise LauncherError(NO_PROCESS)
    return remove(request, descriptors, channel)


class _Unwanted:
    """In a `with`: the container's monitor knows that nobody will ask how it ended, and waits for no disk.

    Who is killed in here leaves the mark: that container's exit code may be lost by a power cut, as unknown.
    """

    def __init__(self, run: str) -> None:
        self._mark = os.path.join(run, UNWANTED_MARK)

    def __enter__(self) -> None:
        try:
            os.close(os.open(self._mark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError:
            pass  # it has ended, or its disk is full

    def __exit__(self, *_: object) -> None:
        try:
            os.unlink(self._mark)
        except FileNotFoundError:
            pass  # it went with the run folder


def _await_monitor(run: str) -> None:
    """Until the monitor of now is gone; another one is a new start's, and not ours to wait for."""
    end = time.monotonic() + _PATIENCE
    number = alive.read(run).get("monitor")
    try:
        monitor = pidfd.open_process(int(number or 0))
    except KernelError:
        return  # gone, or it has written nothing yet: who sweeps looks at its lock
    try:
        while alive.is_alive(run) and alive.read(run).get("monitor") == number and time.monotonic() < end:
            # The number may be another's by now: what counts is the lock, and this only says when to look again.
            if pidfd.await_end(monitor, _LOOK):
                time.sleep(0.001)
    finally:
        os.close(monitor)
