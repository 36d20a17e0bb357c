"""What is done to a group that is there: make, join, freeze, kill, remove.

Everything takes folders by name (a plan's `leaves`), and tells v1 from v2 by
the files in them, so that whoever finds a dead container's record can sweep it
without the plan that made it.
"""

from __future__ import annotations

import errno
import os
import time

from ipycontainer.errors import KernelError, Refused
from ipycontainer.linux.cgroups.cgroup_plan import OURS, no_weights, refuse
from ipycontainer.linux.cgroups.files import table, text, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ipycontainer.linux.cgroups.cgroup_plan import CgroupPlan
    from ipycontainer.linux.cgroups.limits import Limits

PATIENCE = 5.0  # seconds: how long the kernel may take to let go of what it has just killed


def make(plan: CgroupPlan) -> None:
    """Make the plan's folders and write its values; what was made before a failure is `remove`'s."""
    make_folders(plan.folders)
    limit(plan.fills)
    for file, value in plan.wishes:
        try:
            write(file, value)
        except KernelError:
            continue  # a wish: only a statistic is lost, and `usage` says None for it
    limit(plan.writes)


def limit(writes: Iterable[tuple[str, str]]) -> None:
    """Write a plan's `writes`, in order; its folders are there.

    Raises KernelError, and Refused for a disk's weight where nothing weighs it: that depends on the disk's scheduler.
    """
    for file, value in writes:
        try:
            write(file, value)
        except KernelError as error:
            if file.endswith("/cpu.rt_runtime_us") and error.errno == errno.EINVAL:
                raise _no_realtime(file, value) from None
            if "weight" in os.path.basename(file) and error.errno in (errno.EOPNOTSUPP, errno.ENOENT):
                raise _no_weight(file, value) from None
            raise


def _no_weight(file: str, value: str) -> Refused:
    """Nothing here weighs all disks, or this one."""
    if not os.path.exists(file):
        return no_weights("--blkio-weight")
    disk = value.split()[0]
    where, mend = f"its scheduler is bfq (/sys/dev/block/{disk}/queue/scheduler)", "choose that scheduler"
    if os.path.basename(file) == "io.weight":
        where, mend = "its cost model is on", f"turn it on (`{disk} enable=1` into the top io.cost.qos)"
    why = f"the kernel weighs a disk's users where {where}, which is not so of {disk}"
    return refuse({"io": "--blkio-weight-device"}, why, f"{mend} or leave the option out")


def _no_realtime(file: str, value: str) -> Refused:
    """A group hands on what it has itself, and a new one has nothing."""
    above = os.path.join(os.path.dirname(os.path.dirname(file)), os.path.basename(file))
    return Refused(
        f'failed to write "{value}": write {file}: invalid argument; the group above has no real-time runtime to hand '
        f"on, or more than the period is asked for ({above} tells, and root may write it)"
    )


def make_folders(folders: Sequence[str]) -> None:
    """Make `folders` in order.  Another container's end may take the shared parent away in between (it was
    empty), so a missing parent means: once more from the beginning."""
    for _again in range(100):
        for folder in folders:
            try:
                os.mkdir(folder, 0o755)
            except FileExistsError:
                continue
            except FileNotFoundError:
                break
            except OSError as error:
                raise KernelError("mkdir", error.errno or 0, folder) from None
        else:
            return
    raise KernelError("mkdir", errno.ENOENT, folders[0])


def join(joins: Iterable[str]) -> None:
    """Move the calling process, which has one thread, into groups: `joins` are a plan's."""
    for file in joins:
        write(file, "0")


def lift(leaves: Iterable[str], limits: Limits) -> None:
    """Take away the limits that `limits` asks to be any amount: processes, and swap."""
    for leaf in leaves:
        for lifted, file, value in (
            (limits.pids_max == -1, f"{leaf}/pids.max", "max"),
            (limits.memory_swap_max == -1, f"{leaf}/memory.memsw.limit_in_bytes", "-1"),
            (limits.memory_swap_max == -1, f"{leaf}/memory.swap.max", "max"),
        ):
            if lifted and os.path.exists(file):
                write(file, value)


def update(plan: CgroupPlan) -> None:
    """Write the plan's values to groups that are there and in use (`docker update`).

    Raises KernelError for a value that the kernel refuses, such as less memory than cannot be taken back (EBUSY).
    """
    for (file, value), (next_file, next_value) in zip(plan.writes, (*plan.writes[1:], ("", "")), strict=False):
        try:
            write(file, value)
        except KernelError as error:
            # v1 holds memory at or below memory and swap together: to raise both, the sum goes first.
            if error.errno != errno.EINVAL or not next_file.endswith("/memory.memsw.limit_in_bytes"):
                raise
            write(next_file, next_value)
            write(file, value)


def processes(leaves: Iterable[str]) -> list[int]:
    """The pids in `leaves` and below, as this pid namespace numbers them, each once, in order."""
    found: dict[int, None] = {}
    for leaf in leaves:
        for folder in _deepest_first(leaf):
            for word in text(f"{folder}/cgroup.procs").split():
                if word != "0":  # a process that this pid namespace cannot see
                    found[int(word)] = None
    return list(found)


def freeze(leaves: Iterable[str], patience: float = PATIENCE) -> None:
    """Stop every process in `leaves`, and return when they stand still."""
    _set_frozen(leaves, True, patience)


def thaw(leaves: Iterable[str], patience: float = PATIENCE) -> None:
    """Let them go on."""
    _set_frozen(leaves, False, patience)


def _set_frozen(leaves: Iterable[str], frozen: bool, patience: float) -> None:
    for leaf in leaves:
        if os.path.exists(f"{leaf}/cgroup.freeze"):
            file, value = f"{leaf}/cgroup.freeze", "1" if frozen else "0"
        elif os.path.exists(f"{leaf}/freezer.state"):
            file, value = f"{leaf}/freezer.state", "FROZEN" if frozen else "THAWED"
        else:
            continue
        write(file, value)
        for _ in _moments(patience):
            if _is_frozen(leaf) == frozen:
                return
            # v1 can stay FREEZING when a process forks at the wrong moment; writing once more looks again.
            write(file, value)
        raise KernelError("freeze" if frozen else "thaw", errno.ETIMEDOUT, leaf)
    raise Refused("this machine has no freezer for the container's group: it cannot be paused or resumed")


def thaw_below(leaves: Iterable[str]) -> bool:
    """Let go on what stands still in groups that a container has made below its own; whether anything did.

    Version 1 alone: there not even SIGKILL reaches it.
    """
    found = False
    for leaf in leaves:
        if not os.path.exists(f"{leaf}/freezer.state"):
            continue
        for folder in _deepest_first(leaf):
            if folder != leaf and text(f"{folder}/freezer.self_freezing") == "1\n":
                found = True
                try:
                    write(f"{folder}/freezer.state", "THAWED")
                except KernelError:
                    continue  # gone meanwhile
    return found


def has_freezer(leaves: Iterable[str]) -> bool:
    """Whether `freeze` can do something for these groups."""
    return any(os.path.exists(f"{leaf}/{file}") for leaf in leaves for file in ("cgroup.freeze", "freezer.state"))


def is_frozen(leaves: Iterable[str]) -> bool:
    """Whether these groups stand still."""
    return any(_is_frozen(leaf) for leaf in leaves)


def _is_frozen(leaf: str) -> bool:
    return table(f"{leaf}/cgroup.events").get("frozen") == 1 or text(f"{leaf}/freezer.state") == "FROZEN\n"


def kill_all(leaves: Sequence[str], patience: float = PATIENCE) -> None:
    """SIGKILL everything in `leaves`, forks in flight included; return when nothing is left there."""
    for leaf in leaves:
        if os.path.exists(f"{leaf}/cgroup.kill"):
            write(f"{leaf}/cgroup.kill", "1")
    for _ in _moments(patience):
        left = processes(leaves)
        if not left:
            return
        if not any(os.path.exists(f"{leaf}/cgroup.kill") for leaf in leaves):
            _kill_each(leaves)
    raise KernelError("kill", errno.ETIMEDOUT, f"{leaves[0]} ({len(processes(leaves))} processes left)")


def _kill_each(leaves: Sequence[str]) -> None:
    """One round: what stands still cannot fork, nor end and give its number to a stranger."""
    try:
        freeze(leaves, 1.0)
    except (KernelError, Refused):
        pass  # without a freezer the caller's next round gets what forked meanwhile
    try:
        for pid in processes(leaves):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
    finally:
        thaw_below(leaves)
        try:
            thaw(leaves, 1.0)
        except (KernelError, Refused):
            pass


def remove(leaves: Iterable[str], patience: float = PATIENCE) -> None:
    """Remove a container's groups by name, and our shared folder above them when it is empty.

    Idempotent: what is gone is good.  A group whose processes were killed a moment ago is busy until the
    kernel has let go of them: `patience` seconds for all together, then KernelError EBUSY.
    Raises Refused for a folder that is not one of ours, before anything is removed.
    """
    leaves = list(leaves)
    for leaf in leaves:
        check_ours(leaf)
    moments = _moments(patience)
    for leaf in leaves:
        for folder in _deepest_first(leaf):
            while not _rmdir(folder):
                if not next(moments, False):
                    raise KernelError("rmdir", errno.EBUSY, folder)
    for parent in dict.fromkeys(os.path.dirname(leaf) for leaf in leaves):
        _rmdir(parent)  # busy: other containers are in it


def check_ours(leaf: str) -> None:
    """Refuse what cannot be a group that we made: not .../ipycontainer/NAME in a tree of control groups."""
    parent, name = os.path.split(leaf)
    if leaf != os.path.normpath(leaf) or not leaf.startswith("/") or os.path.basename(parent) != OURS or not name:
        raise Refused(f"{leaf} is not a control group of ours (…/{OURS}/NAME): it is left alone")
    if os.path.isdir(leaf) and not os.path.exists(f"{leaf}/cgroup.procs"):
        raise Refused(f"{leaf} is no control group: it is left alone")


def _rmdir(folder: str) -> bool:
    """True when the folder is gone; False while it is busy."""
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.ENOTEMPTY):
            return False
        raise KernelError("rmdir", error.errno or 0, folder) from None
    return True


def _deepest_first(folder: str) -> Iterator[str]:
    """The folder after everything below it (a container may make groups of its own, as deep as it likes)."""
    found, pending = list[str](), [folder]
    while pending:
        found.append(pending.pop())
        try:
            with os.scandir(found[-1]) as entries:
                pending += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue  # gone meanwhile
    return reversed(found)


def _moments(patience: float) -> Iterator[bool]:
    """Ever longer waits, until `patience` seconds are over."""
    end, pause = time.monotonic() + patience, 0.0005
    while time.monotonic() < end:
        yield True
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
