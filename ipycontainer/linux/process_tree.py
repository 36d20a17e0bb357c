"""A process with all that descends from it, found in /proc and killed.  proc_pid_stat(5)."""

from __future__ import annotations

import os
import time

_SIGKILL = 9
_PATIENCE = 5.0  # seconds: how long the kernel may take to end what was killed


def kill_tree(leader: int, patience: float = _PATIENCE) -> int | None:
    """Kill `leader`, our child and the head of its session, with its session and all children of those, and reap it.

    They are looked for until nobody is found, for who is found may have just forked.  Whoever left the session and
    lost its parent is nobody's we know, and stays for the container's end.
    Gives the leader's wait status; None where the kernel has not ended it in time.
    """
    end = time.monotonic() + patience
    # It is reaped last: until then its number, and so the session's, is nobody else's.
    while (found := _alive(leader)) and time.monotonic() < end:
        for pid in found:
            try:
                os.kill(pid, _SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass  # it has just ended; or it runs as somebody whom we may not end
        time.sleep(0.002)
    reaped, status = os.waitpid(leader, os.WNOHANG)
    return status if reaped else None


def _alive(session: int) -> set[int]:
    """Those of the session and all that descend from them, but for zombies."""
    parents: dict[int, int] = {}
    found: set[int] = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                state, parent, _group, its_session = file.read().rpartition(b")")[2].split()[:4]
        except (OSError, ValueError):
            continue  # it has just ended
        if state not in (b"Z", b"X"):
            parents[int(entry)] = int(parent)
            if int(its_session) == session:
                found.add(int(entry))
    while more := {pid for pid, parent in parents.items() if (parent in found or parent == session)} - found:
        found |= more
    return found
