"""Removing by name what a container left: idempotent, so anyone may do it after any kind of death."""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Error, KernelError, WrongState
from ipycontainer.launcher import alive
from ipycontainer.linux import cgroups, durability, pidfd, trees
from ipycontainer.runtime.inside import freezer, life, volumes
from ipycontainer.runtime.inside import name as naming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.launcher.wire import Channel


_PATIENCE = 5.0  # seconds: how long the kernel may take to end what was killed


def sweep_cgroups(leaves: Sequence[str], shared: str) -> None:
    """Remove the container's cgroups; processes that are still ending are waited for.

    shared: where the group is that it shared with others, which goes with its last member ("": nowhere).
    """
    if leaves:
        cgroups.remove(leaves)
    if shared:
        cgroups.devices.tidy(shared)


def sweep_leavings(run: str) -> None:
    """Kill and remove what a killed monitor's container left in the kernel; the caller holds its lock."""
    state = alive.read(run)
    leaves = state.get("cgroups", [])
    # On v1 not even SIGKILL reaches what stands still; and a sweep that was killed leaves it so without a mark.
    freezer.thaw(run, leaves)
    cgroups.thaw_below(leaves)
    if state.get("boot_id") == alive.boot_id():
        pid, start_time = (state["pid"], state["start_time"]) if "pid" in state else state["first"]
        _kill_init(int(pid), int(start_time))
    if leaves:
        cgroups.kill_all(leaves)
    sweep_cgroups(leaves, state.get("devices", ""))
    # A slot's, into which nobody moved: a container's own is elsewhere.
    trees.remove(state.get("layer", ""))


def _kill_init(pid: int, start_time: int) -> None:
    """Kill the PID 1 that was written down, if it is still that process, and wait until it is dead.

    A program may have taken back its PDEATHSIG, and an ordinary user's container may have no cgroup to find it by.
    """
    try:
        descriptor = pidfd.open_process(pid)
    except KernelError:
        return  # gone
    try:
        if pidfd.start_time(pid) == start_time:
            pidfd.send_signal(descriptor, 9)
            pidfd.await_end(descriptor, _PATIENCE)
    except KernelError:
        pass  # gone between two lines
    finally:
        os.close(descriptor)


def discard(folder: str, trash: str, names: str, name: str, container: str) -> str:
    """Let the container vanish in one instant: its name goes, its folder is renamed away; gives where to.

    Removing the tree takes longer and is the caller's; after a kill -9 the next launcher does it.
    """
    had_name = naming.give_up(names, name, container)
    gone = os.path.join(trash, container)
    try:
        try:
            os.rename(folder, gone)
        except FileNotFoundError:
            os.makedirs(trash, 0o700, exist_ok=True)
            os.rename(folder, gone)
    except FileNotFoundError:
        pass  # somebody else has removed it
    except OSError as error:
        raise KernelError("rename", error.errno or 0, folder) from None
    if not had_name:
        naming.give_up(names, "", container)  # it was given its first at this very moment
    return gone


def sweep_orphans(root: str, run: str) -> None:
    """Sweep every container and slot whose monitor was killed, and empty the trash of the store at `root`.

    One that cannot be swept keeps none of the others from it; the last such failure is raised at the end.
    """
    trash = os.path.join(root, "trash")
    failure = None
    held = []
    for kind in ("containers", "slots"):
        folder = os.path.join(run, kind)
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            try:
                sweep_dead(os.path.join(folder, name))
            except WrongState:
                held.append((kind, name))
            except Error as error:
                failure = error
    for name in os.listdir(trash) if os.path.isdir(trash) else ():
        try:
            trees.remove(os.path.join(trash, name))
        except Error as error:
            failure = error
    end = time.monotonic() + _PATIENCE
    for kind, name in held:
        try:
            if _comes_free(os.path.join(run, kind, name), _number(name) if kind == "slots" else 0, end):
                sweep_dead(os.path.join(run, kind, name))
        except WrongState:
            continue  # somebody else sweeps it, or starts it anew
        except Error as error:
            failure = error
    if failure is not None:
        raise failure


def _number(slot: str) -> int:
    """A slot's name ends with its monitor's number; of one that an older release made it is all."""
    number = slot.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _comes_free(run: str, monitor: int, end: float) -> bool:
    """Whether nobody holds the lock any more; waited for while it may be a starter that dies with its monitor.

    A kill is told to the launcher before the starter's own death has let go of the lock (prctl(2), PR_SET_PDEATHSIG:
    that is a signal like any other, and a busy machine takes its time).  Whoever looked only once would leave for
    good what is locked, and names nothing yet.
    monitor: its number, where that is not written in there; end: by time.monotonic(), when to give up.
    """
    while True:
        held, state = alive.look(run)
        if not held:
            return os.path.isdir(run)
        number = int(state.get("monitor", monitor))
        if "sweeping" in state or (number and not pidfd.is_gone(number)) or time.monotonic() >= end:
            return False
        time.sleep(0.002)


def sweep_dead(run: str, request: dict[str, Any] | None = None) -> None:
    """Remove what the container with this run folder left in the kernel, and all of it if it was run with --rm.

    request: folder, trash, names, name, id of a container that is to be removed in any case; volumes, journal: those
    that go with it.
    Raises WrongState while its monitor lives.
    """
    lock = life.claim(run, sweeps=True)
    try:
        life.mark_swept(lock)
        sweep_leavings(run)
        gone = request or alive.read(run).get("remove")
        if gone:
            if gone.get("volumes"):
                volumes.take_along(gone["volumes"], str(gone["folder"]), str(gone["id"]), str(gone["journal"]))
            tree = discard(*(str(gone[key]) for key in ("folder", "trash", "names", "name", "id")))
            if request:
                # Somebody is told that it is gone: a power cut must not bring it back.
                for folder in (os.path.dirname(gone["folder"]), gone["names"]):
                    durability.sync_folder(folder)
            trees.remove(tree)
        trees.remove(run)
    except Error:
        if not os.fstat(lock).st_size:
            # Nothing in the kernel is named in it: a look at it would not tell it from one that is being started.
            trees.remove(run)
        raise
    finally:
        os.close(lock)


def sweep(request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """The job "sweep": request: run."""
    run = str(request["run"])
    existed = os.path.isdir(run)
    if existed:
        sweep_dead(run)
    return {"swept": existed}


def unless_swept(leaves: Sequence[str], error: Error) -> Error:
    """Why nothing can be done with these cgroups: `error`, or that the container has ended meanwhile."""
    is_there = all(os.path.isdir(leaf) for leaf in leaves)
    return error if is_there else WrongState("the container is not running any more")


def living_state(run: str, line: str = "pid") -> dict[str, Any]:
    """The state of a living container, once it has this `line`; until then it is being started.

    Raises WrongState when it is not running.
    """
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        lives, state = alive.look(run)
        if not lives:
            break
        if line in state:
            return state
        if "sweeping" in state:
            break
        time.sleep(0.001)
    raise WrongState("the container is not running")
