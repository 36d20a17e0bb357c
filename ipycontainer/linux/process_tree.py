"""A process with all that descends from it, found in /proc, stopped and killed.  proc_pid_stat(5), signal(7).

Whoever is killed gives its children away, and one that has left the session is then nobody's we know.  So nobody is
killed before all stand still: what is stopped forks no more and keeps its children, and a look finds them all.
"""

from __future__ import annotations

import os
import time
from errno import EPERM

from ipycontainer.errors import KernelError
from ipycontainer.linux.pidfd import send_signal, start_time

_SIGKILL, _SIGSTOP = 9, 19
_PATIENCE = 5.0  # seconds: how long the kernel may take to end what was killed
_STILL = 3.0  # seconds: how long it may take until all stand still; one of them may let another go on (SIGCONT)
_LOOKS = 10  # in a row: a fork sleeps for a moment, a vfork until its child's execve
_DEAD, _STOPPED = ("Z", "X"), ("T", "t")

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Its state, its parent, how many threads it has, when it was started.
    Found = dict[int, tuple[str, int, int, int]]


def kill_tree(leader: int, patience: float = _PATIENCE) -> int | None:
    """Kill `leader`, our child and the head of its session, with all that descends from it, and reap it.

    Gives the leader's wait status; None where the kernel has not ended it in time.
    """
    end_tree(leader, patience)
    # It is reaped last: until then its number, and so the session's, is nobody else's.
    reaped, status = os.waitpid(leader, os.WNOHANG)
    return status if reaped else None


def end_tree(leader: int, patience: float = _PATIENCE) -> None:
    """Kill `leader`, our child, its descendants, and the sessions whose heads are among them; reap nobody.

    Who had left the session and whose parent had ended before that is a daemon, and stays for the container's end.
    """
    end = time.monotonic() + patience
    found = _stop(leader, min(time.monotonic() + _STILL, end))
    # Whoever was found once is waited for, though its parent, and so its place in the tree, goes before it.
    while (found := _look(leader, found)) and time.monotonic() < end:
        # Children first: stopped ones whose parent dies may be woken (setpgid(2), orphaned groups), and must not fork.
        for pid in sorted(found, key=lambda pid: _depth(pid, found), reverse=True):
            _signal(pid, _SIGKILL, found)
        time.sleep(0.002)


def _stop(leader: int, end: float) -> Found:
    """Those of the tree, as soon as all stand still, or at `end` on the monotonic clock.

    That is so when a look finds nobody but those whom the look before it had found standing still, all of them.
    """
    still: set[int] = set()
    others: set[int] = set()
    asleep: dict[int, int] = {}
    found = _look(leader)
    while not found.keys() - others <= still and time.monotonic() < end:
        asleep = {pid: asleep.get(pid, 0) + 1 for pid in found if _may_vfork(pid, found)}
        moving = [pid for pid in found.keys() - others if not _is_stopped(pid, found) and asleep.get(pid, 0) < _LOOKS]
        still = set() if moving else set(found)
        others.update(pid for pid in moving if not _signal(pid, _SIGSTOP, found))
        if moving:
            time.sleep(0.001)
        found = _look(leader, found)
    return found


def _signal(pid: int, number: int, found: Found) -> bool:
    """Whether we may; one that has ended is no matter, nor is a stranger who has its number since.

    In a container that forks without end numbers come again soon.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if start_time(pid) == found[pid][3]:
            send_signal(descriptor, number)
    except KernelError as error:
        return error.errno != EPERM  # it runs as somebody whom we may not end
    finally:
        os.close(descriptor)
    return True


def _is_stopped(pid: int, found: Found) -> bool:
    """Whether all of its threads are."""
    state, _parent, threads, _start = found[pid]
    if threads < 2:
        return state in _STOPPED
    try:
        states = {_fields(f"/proc/{pid}/task/{thread}/stat")[0] for thread in os.listdir(f"/proc/{pid}/task")}
    except OSError:
        return False  # one has just ended: the next look says
    return states <= {*_STOPPED, *_DEAD}


def _may_vfork(pid: int, found: Found) -> bool:
    """Whether it may wait, deaf to a stop, for the execve of a child that does not come to it, for it is stopped."""
    return found[pid][0] == "D" and any(parent == pid and state in _STOPPED for state, parent, *_ in found.values())


def _depth(pid: int, found: Found) -> int:
    """How many of its forebears are there."""
    depth = 0
    while pid in found and depth < len(found):
        pid, depth = found[pid][1], depth + 1
    return depth


def _look(leader: int, before: Found | None = None) -> Found:
    """Those of the tree, and whom a look `before` found that still lives; but for zombies."""
    known: Found = {}
    sessions: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = _fields(f"/proc/{entry}/stat")
        except OSError:
            continue  # it has just ended
        state, threads = fields[0], int(fields[17])
        if state not in _DEAD or threads > 1:  # its first thread may end before the others
            known[int(entry)] = state, int(fields[1]), threads, int(fields[19])
            sessions[int(entry)] = int(fields[3])
    heads = {leader, *(pid for pid, seen in (before or {}).items() if pid in known and known[pid][3] == seen[3])}
    while more := {pid for pid in known if known[pid][1] in heads or sessions[pid] in heads} - heads:
        heads |= more
    return {pid: known[pid] for pid in heads if pid in known}


def _fields(path: str) -> list[str]:
    """From the state on, which comes behind the name."""
    with open(path, "rb") as file:
        return file.read().rpartition(b")")[2].decode().split()
