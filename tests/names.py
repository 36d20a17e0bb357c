"""What exists on this machine, as sets of names, so that a test can see that nothing is left.

Counts can agree by accident; names cannot.  Processes, and what hangs on processes, are compared
only where they could be ours: other programs of the machine come and go while a test runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Container, Iterable
from pathlib import Path

# Launchers and monitors have this in their command line, and behind it their store's folder.
LAUNCHER = "launcher/__main__.py"

# The cgroup below which all of ours lie.
OURS = "ipycontainer"
# What a process is called that a launcher has forked ahead.  As long as it waits it is nobody's, and how many wait is
# the launcher's affair; with it they must go, and what they made (SLOT, a word, the monitor's number) too.
SPARE = "ipyc-spare"
SLOT = "slot-"
# How `processes` names a launcher and a monitor.
_ENDED = f" {OURS} "

Names = dict[str, frozenset[str]]


def snapshot(mark: str, folders: Iterable[Path] = (), journal: Path | None = None) -> Names:
    """All names now.

    mark: text (a test's own folder) that the environment or the command line of our processes holds;
    folders: whose trees belong to the comparison (containers, run folders);
    journal: the store's events, which tell whether an empty cgroup is of a container of ours.  It is asked
    only while another store's launcher runs here; else every cgroup counts.
    """
    processes, alone = _processes(mark)
    known = None if alone else _read(journal or os.devnull)
    return {
        "mounts": frozenset(_mounts()),
        "cgroups": frozenset(_cgroups(processes, known)),
        "processes": frozenset(processes.values()),
        "namespaces": frozenset(_namespaces(processes)),
        "links": frozenset(os.listdir("/sys/class/net")),
        "nftables": frozenset(_tables()),
        "sockets": frozenset(_sockets(mark)),
        "shared memory": frozenset(_shared_memory()),
        "folders": frozenset(
            name
            for folder in folders
            for name in _tree(folder)
            # The journal is set aside when it has grown.
            if not _is_of_a_waiting_slot(name) and os.path.basename(name) not in ("events", "events.1")
        ),
    }


def differences(before: Names, after: Names) -> list[str]:
    """One line for each name that came or went."""
    lines = []
    for kind in sorted(before.keys() | after.keys()):
        old, new = before.get(kind, frozenset()), after.get(kind, frozenset())
        lines += [f"left: {kind}: {name}" for name in sorted(new - old)]
        lines += [f"gone: {kind}: {name}" for name in sorted(old - new)]
    return lines


def settled(look: Callable[[], Names], seconds: float = 3.0) -> Names:
    """What there is once two looks see the same: a launcher makes its spares when nobody waits for it."""
    end = time.monotonic() + seconds
    last = look()
    while time.monotonic() < end:
        time.sleep(0.1)
        now = look()
        if now == last:
            break
        last = now
    return last


def assert_same(before: Names, look: Callable[[], Names], seconds: float = 3.0) -> None:
    """Looks until everything is as before; what still differs after `seconds` is the failure.

    The wait is for the kernel: namespaces and cgroups die a little later than their last process.  A monitor that
    is gone and nothing with it was just at its end when the first look was taken; with one that was at work its
    container is gone too, and with the launcher its namespace and its sockets.
    """
    end = time.monotonic() + seconds
    while True:
        different = differences(before, look())
        if all(_ENDED in f"{line} " and line.startswith("gone: processes: ") for line in different):
            return
        if time.monotonic() > end:
            raise AssertionError("not as before:\n  " + "\n  ".join(different))
        time.sleep(0.05)


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""  # a process that ended meanwhile, or one that is not ours to look at


def _mounts() -> list[str]:
    names = []
    for line in _read("/proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        names.append(f"{left.split()[4]} ({right.split()[0]} from {right.split()[1]})")
    return names


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []  # gone meanwhile


def _cgroups(ours: Container[int], journal: str | None) -> list[str]:
    """Cgroups of our containers: one of our processes is in it, or `journal` knows it (None: all of them)."""
    roots = []
    for line in _read("/proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        if right.split()[0] in ("cgroup", "cgroup2"):
            roots.append(left.split()[4])
    names = []
    for root in roots:
        pending = [root]
        while pending:  # os.walk would do it by recursion, and a test's container nests a thousand of them
            folder = pending.pop()
            children = _folders(folder)
            pending += [f"{folder}/{child}" for child in children]
            for child in children:
                path = f"{folder}/{child}"
                if f"/{OURS}/" not in path[len(root) :]:
                    continue
                if _is_of_a_waiting_slot(path):
                    continue
                members = [int(pid) for pid in _read(f"{path}/cgroup.procs").split()]
                if members and all(_read(f"/proc/{pid}/comm").strip() == SPARE for pid in members):
                    continue  # the devices' shared group, with waiting slots alone in it: it goes when they do
                if journal is None or child in journal or any(pid in ours for pid in members):
                    names.append(path)
    return names


def _processes(mark: str) -> tuple[dict[int, str], bool]:
    """Processes that are ours, zombies too: by what they tell, or because an ancestor is; and whether no
    other store's are here.

    A container's program has neither our environment nor our words; its monitor is its parent.  One
    that lost its monitor is an orphan in a mount namespace that nobody else is in.
    """
    parents: dict[int, int] = {}
    marked: set[int] = set()
    orphans: dict[int, str] = {}
    alone = True
    here = os.readlink("/proc/self/ns/mnt")
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or not (stat := _read(f"/proc/{entry}/stat")):
            continue
        pid, parent = int(entry), int(stat.rpartition(")")[2].split()[1])
        parents[pid] = parent
        told = "".join(_read(f"/proc/{entry}/{name}") for name in ("cmdline", "environ"))
        namespace = _mount_namespace(pid)
        if mark in told:
            marked.add(pid)
        elif LAUNCHER in told:
            alone = False
        elif parent == 1 and namespace not in (here, ""):
            orphans[pid] = namespace
    lines = {pid: set(_ancestry(pid, parents)) for pid in parents}
    strange = {_mount_namespace(pid) for pid, line in lines.items() if not line & (marked | orphans.keys())}
    marked.update(pid for pid, namespace in orphans.items() if namespace not in strange)
    # This test run holds the mark too; its children are our command and our Python.
    marked.difference_update(lines.get(os.getpid(), ()))
    found: dict[int, str] = {}
    for pid, line in lines.items():
        if marked & line and (stat := _read(f"/proc/{pid}/stat")):
            name = _read(f"/proc/{pid}/comm").strip()
            if name != SPARE or not any(_is_launcher(other) for other in line - {pid}):
                found[pid] = f"{pid} {name} (started {stat.rpartition(')')[2].split()[19]})"
    return found, alone


def _is_launcher(pid: int) -> bool:
    return LAUNCHER in _read(f"/proc/{pid}/cmdline") and _read(f"/proc/{pid}/comm").strip() != SPARE


def _is_of_a_waiting_slot(path: str) -> bool:
    """Whether `path` is a cgroup or a folder of a slot whose monitor still waits for a container, or what such
    slots are made for."""
    if path.endswith("/expected"):
        return True
    numbers = [part.rpartition("-")[2] for part in path.split("/") if part.startswith(SLOT)]
    return any(number.isdigit() and _waits(number) and _owns(number, path) for number in numbers)


def _waits(number: str) -> bool:
    return _read(f"/proc/{number}/comm").strip() == SPARE


def _owns(number: str, path: str) -> bool:
    """Numbers come again: one account's slot that waits does not excuse what another's has left under its number."""
    try:
        owner = os.stat(path).st_uid
    except OSError:
        return True  # it goes at this moment
    uids = [line.split()[1:] for line in _read(f"/proc/{number}/status").splitlines() if line.startswith("Uid:")]
    return any(str(owner) in line for line in uids)


def _mount_namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return ""


def _ancestry(pid: int, parents: dict[int, int]) -> list[int]:
    line = []
    while pid > 1 and pid not in line:
        line.append(pid)
        pid = parents.get(pid, 0)
    return line


def _namespaces(processes: Iterable[int]) -> set[str]:
    names = set()
    for pid in processes:
        try:
            names.update(os.readlink(f"/proc/{pid}/ns/{kind}") for kind in os.listdir(f"/proc/{pid}/ns"))
        except OSError:
            continue  # it ended meanwhile
    return names


def _shared_memory() -> list[str]:
    """Without the folders that hold every store's run folder; a store's own is compared with its trees."""
    return [
        entry.name for entry in os.scandir("/dev/shm") if not (entry.is_dir() and entry.name.startswith(f"{OURS}-"))
    ]


def _tables() -> list[str]:
    if os.geteuid() != 0 or shutil.which("nft") is None:
        return []
    return subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False).stdout.splitlines()


def _sockets(mark: str) -> list[str]:
    paths = [line.split()[7] for line in _read("/proc/net/unix").splitlines()[1:] if len(line.split()) > 7]
    return [path for path in paths if mark in path]


def _tree(folder: Path) -> list[str]:
    """Folders and files below `folder`, not into layers and file systems that a container wrote."""
    names = []
    for parent, children, files in os.walk(folder):
        names += [f"{parent}/{name}" for name in (*children, *files)]
        children[:] = [name for name in children if name not in ("tree", "upper", "work", "blobs")]
    return names
