"""What a monitor writes about its container: the lock, the living state, the lasting record, the journal.

RUN/containers/ID/alive   its lock held: the monitor lives, whatever any PID says; a sweep's lock leaves out the first
                          byte, and the container is dead.  Lines, each one write:
                          the cgroups; what --rm removes; pid, start time, monitor, boot; that the program runs; that it
                          has ended, and FOLDER/life.json tells the rest
RUN/slots/NAME/alive      the same of a slot, with its PID 1; the folder is renamed when a container moves in
FOLDER/life.json          started, finished, exit code, restarts; lasts.  No "finished" and no lock: exit unknown;
                          "restarting" and the lock held: its monitor will start it again; "first": no program of
                          it has run so far
"""

from __future__ import annotations

import os
from errno import ENOSPC

from ipycontainer.errors import KernelError, WrongState
from ipycontainer.json_text import dumps, loads
from ipycontainer.launcher import alive
from ipycontainer.linux import locks, pidfd, small_files
from ipycontainer.linux.durability import is_full, sync_file, sync_folder, write_file
from ipycontainer.runtime.inside import name as naming
from ipycontainer.runtime.inside import stopped, volumes
from ipycontainer.runtime.inside.journal import append

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.runtime.inside.charge import Charge
    from ipycontainer.runtime.launch import Host


def claim(run: str, sweeps: bool = False) -> int:
    """Make the run folder `run` and take its lock; gives the lock's descriptor.

    sweeps: whoever looks shall know that it is no monitor who has it, and that the container is dead.

    Raises WrongState when a monitor has it already, KernelError where the store's run folder is gone: whoever was
    forked for a slot as the launcher was killed shall not make it again.
    """
    path = os.path.join(run, "alive")
    while True:
        try:
            _make(run)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except (FileNotFoundError, FileExistsError):
            continue  # a sweep removed the folder between two looks at it
        if not locks.take(lock, alive.SWEEPER if sweeps else 0):
            os.close(lock)
            raise WrongState("the container is already running, or is being swept; see `ipycontainer ps -a`")
        try:
            if os.stat(path).st_ino == os.fstat(lock).st_ino:
                return lock  # what a dead monitor wrote into it stays until `fresh`
        except FileNotFoundError:
            pass
        os.close(lock)  # the file that we locked is no longer the one that others see


def _make(run: str) -> None:
    try:
        os.mkdir(run, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise KernelError("mkdir", error.errno or 0, run) from None


def mark_swept(lock: int) -> None:
    """Say that a sweep was here: whoever finds it killed knows that the folder is not one that a start begins with."""
    _append(lock, {"sweeping": os.getpid()})


def fresh(lock: int) -> None:
    """Forget what an earlier monitor wrote, after its leavings were swept."""
    os.ftruncate(lock, 0)


def write_leaves(lock: int, leaves: Sequence[str], devices: str, layer: str = "") -> None:
    """What sweep removes: the cgroups, before they are made, the shared group of devices, a slot's writable layer."""
    _append(lock, {"cgroups": list(leaves), "devices": devices, "layer": layer})


def write_first(lock: int, child: int, boot_id: str) -> None:
    """Who makes a slot's layer: removed before that process is dead, it could be there again a moment later."""
    _append(lock, {"first": [child, pidfd.start_time(child)], "boot_id": boot_id})


def begin(lock: int, charge: Charge) -> None:
    """What a death at any later moment must find written.

    With --rm, what is to be removed then; else the lasting record: whoever finds it without an end, and no lock
    held, knows what happened.
    """
    if charge.remove:
        gone = {key: getattr(charge, key) for key in ("folder", "trash", "names", "name", "id")}
        more = {"volumes": charge.anonymous, "journal": charge.journal} if charge.volumes else {}
        _append(lock, {"remove": {**gone, **more}})
    else:
        if not charge.restarts:
            stopped.clear(charge.folder)
        first = {} if charge.restarts or has_run(charge.folder) else {"first": True}
        write_life(charge, {"started": charge.started, **first}, durable=False)


def has_run(folder: str) -> bool:
    """Whether a program of the container has run, or may have: only starts that failed say that none has."""
    try:
        kept = loads(small_files.read(os.path.join(folder, "life.json")))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return not (isinstance(kept, dict) and kept.get("first"))


def write_state(
    lock: int, charge: Charge, child: int, monitor: int, host: Host, kinds: tuple[str, ...], joins: tuple[str, ...]
) -> None:
    """Who it is, and who its monitor.

    joins: what an exec writes itself into.
    """
    state = {
        "id": charge.id,
        "pid": child,
        "start_time": pidfd.start_time(child),
        "monitor": monitor,
        "started": charge.started,
        "restarts": charge.restarts,
        "mode": host.mode,
        "kinds": list(kinds),
        "joins": list(joins),
        "boot_id": host.boot_id,
    }
    _append(lock, state)


def mark_waiting(lock: int, mode: str) -> None:
    """Who waits to start it again; of its last PID 1 nothing is left to be named.

    mode: what a new launcher has to know of the namespaces that we hold.
    """
    fresh(lock)
    _append(lock, {"cgroups": [], "devices": "", "monitor": os.getpid(), "mode": mode})


def mark_running(lock: int) -> None:
    """The program runs.  Nobody may enter the container before, for until then it is half the host."""
    _append(lock, {"runs": True})


def mark_ending(lock: int) -> None:
    """The last line, before the lasting record: from here on it is that one which says how the container is.

    A full disk shall not keep the record from being written: without this line it is seen a moment later.
    """
    try:
        _append(lock, {"ends": True})
    except KernelError:
        pass


def _append(lock: int, document: dict[str, Any]) -> None:
    line = dumps(document).encode() + b"\n"
    try:
        written = os.write(lock, line)
        if written < len(line):
            # Half a line would take the next one with it.
            os.ftruncate(lock, os.fstat(lock).st_size - written)
            raise OSError(ENOSPC, "")
    except OSError as error:
        raise KernelError("write", error.errno or 0, "alive") from None


def write_life(charge: Charge, life: dict[str, Any], durable: bool) -> None:
    """The lasting record."""
    path = os.path.join(charge.folder, "life.json")
    if charge.restarts:
        life = {**life, "restarts": charge.restarts}
    data = dumps(life).encode()
    try:
        try:
            write_file(path, [data], 0o600, durable)
        except OSError as error:
            if not is_full(error):
                raise
            _overwrite(path, data, durable)
    except OSError as error:
        raise KernelError("write", error.errno or 0, path) from None


def _overwrite(path: str, data: bytes, durable: bool) -> None:
    """On a full disk: the block that the start's record has takes the end's too, so that no exit code is lost.

    In one write, and less than a sector: it is the old one or the new one, whatever happens meanwhile.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, data.ljust(os.fstat(descriptor).st_size), 0)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_durable(charge: Charge) -> None:
    """What `write_life` wrote in passing is to survive a power cut from here on."""
    path = os.path.join(charge.folder, "life.json")
    try:
        sync_file(path)
        sync_folder(charge.folder)
    except FileNotFoundError:
        pass  # a forced removal was faster
    except OSError as error:
        raise KernelError("fsync", error.errno or 0, path) from None


def record_event(charge: Charge, action: str, attributes: dict[str, str]) -> None:
    """Append one line to the journal."""
    record_events(charge, [(action, attributes)])


def record_start(charge: Charge) -> None:
    """docker's events of a start: who attaches does so before, and says then how large the terminal is."""
    attached = [("attach", dict[str, str]())] if charge.attach else []
    sized = [resized(charge.rows, charge.columns)] if charge.attach and charge.terminal and charge.rows else []
    record_events(charge, [*attached, ("start", {}), *sized])


def resized(rows: int, columns: int) -> tuple[str, dict[str, str]]:
    """docker's event of a terminal's new size."""
    return "resize", {"height": str(rows), "width": str(columns)}


def record_events(charge: Charge, events: Sequence[tuple[str, dict[str, str]]]) -> None:
    """Append a line for each event, all in one write, so that writers never mix; volumes come and go beside them."""
    if charge.volumes and any(action == "start" for action, _ in events):
        volumes.note(charge.journal, _mounted(charge))
    name = naming.current(charge.names, charge.name, charge.id) or charge.name
    told = {**charge.labels, "image": charge.image, "name": name}
    append(charge.journal, [("container", action, charge.id, {**told, **more}) for action, more in events])
    if charge.volumes and any(action == "die" for action, _ in events):
        gone = {"container": charge.id, "driver": "local"}
        volumes.note(charge.journal, [("unmount", str(item["name"]), gone) for item in charge.volumes])


def _mounted(charge: Charge) -> list[tuple[str, str, dict[str, str]]]:
    """docker's attributes of a volume that a container begins to use."""
    return [
        (
            "mount",
            str(item["name"]),
            {
                "container": charge.id,
                "destination": str(item["destination"]),
                "driver": "local",
                "propagation": "",
                "read/write": "true" if item["rw"] else "false",
            },
        )
        for item in charge.volumes
    ]
