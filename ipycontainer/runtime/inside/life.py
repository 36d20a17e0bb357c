"""What a monitor writes about its container: the lock, the living state, the lasting record, the journal.

RUN/containers/ID/alive   its lock held: the monitor lives, whatever any PID says.  Two lines, each one write:
                          the names of what will be made; then pid, start time, monitor, boot
FOLDER/life.json          started, finished, exit code; lasts.  No "finished" and no lock: exit unknown
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import KernelError, WrongState
from ipycontainer.json_text import dumps
from ipycontainer.linux import locks, pidfd
from ipycontainer.linux.durability import sync_file, sync_folder, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.runtime.inside.charge import Charge
    from ipycontainer.runtime.launch import Host


def claim(run: str) -> int:
    """Make the run folder `run` and take its lock; gives the lock's descriptor.

    Raises WrongState when a monitor has it already.
    """
    path = os.path.join(run, "alive")
    while True:
        try:
            os.makedirs(run, 0o700, exist_ok=True)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except (FileNotFoundError, FileExistsError):
            continue  # a sweep removed the folder between two looks at it
        if not locks.take(lock):
            os.close(lock)
            raise WrongState("the container is already running, or is being swept; see `ipycontainer ps -a`")
        try:
            if os.stat(path).st_ino == os.fstat(lock).st_ino:
                return lock  # what a dead monitor wrote into it stays until `fresh`
        except FileNotFoundError:
            pass
        os.close(lock)  # the file that we locked is no longer the one that others see


def mark_swept(lock: int) -> None:
    """Say that whoever holds the lock now is a sweep: the container is dead."""
    _append(lock, {"sweeping": os.getpid()})


def fresh(lock: int) -> None:
    """Forget what an earlier monitor wrote, after its leavings were swept."""
    os.ftruncate(lock, 0)


def write_names(lock: int, charge: Charge) -> None:
    """The first line, before anything that bears a name is made: sweep reads it."""
    names: dict[str, Any] = {"cgroups": list(charge.leaves), "devices": charge.devices}
    if charge.remove:
        names["remove"] = {key: getattr(charge, key) for key in ("folder", "trash", "names", "name", "id")}
    _append(lock, names)


def write_state(lock: int, charge: Charge, host: Host, kinds: tuple[str, ...], joins: tuple[str, ...]) -> None:
    """The second line, once PID 1 is there.  joins: what an exec writes itself into.

    The monitor is this process's parent: the starter, who writes this, is about to end.
    """
    state = {
        "id": charge.id,
        "pid": charge.child,
        "start_time": pidfd.start_time(charge.child),
        "monitor": os.getppid(),
        "started": charge.started,
        "mode": host.mode,
        "kinds": list(kinds),
        "joins": list(joins),
        "boot_id": host.boot_id,
    }
    _append(lock, state)


def boot_id() -> str:
    """Which run of this machine this is: process numbers mean nothing in another."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _append(lock: int, document: dict[str, Any]) -> None:
    try:
        os.write(lock, dumps(document).encode() + b"\n")
    except OSError as error:
        raise KernelError("write", error.errno or 0, "alive") from None


def write_life(charge: Charge, life: dict[str, Any], durable: bool) -> None:
    """The lasting record."""
    path = os.path.join(charge.folder, "life.json")
    try:
        write_file(path, [dumps(life).encode()], 0o600, durable)
    except OSError as error:
        raise KernelError("write", error.errno or 0, path) from None


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
    """Append one line to the journal; a line is one write, so that writers never mix."""
    line = dumps(
        {
            "time": time.time(),
            "type": "container",
            "action": action,
            "id": charge.id,
            "attributes": {"image": charge.image, "name": charge.name, **attributes},
        }
    )
    try:
        descriptor = os.open(charge.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.write(descriptor, line.encode() + b"\n")
        os.close(descriptor)
    except OSError:
        pass  # a full disk: the event is lost, the container is not
