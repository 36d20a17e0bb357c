"""Who is who among a launcher's processes, from outside: by parent, name and pid namespace."""

from __future__ import annotations

import os
import random

ROLES = ("launcher", "monitor", "starter", "child", "client")
# A spare's processes bear this name until there is something to do.
_WAITING = "ipyc-spare"


def find(role: str, launcher: int, chance: random.Random) -> int:
    """One process in that role, one that is at work rather than one that waits; 0 where there is none now."""
    if role == "launcher":
        return launcher if os.path.exists(f"/proc/{launcher}") else 0
    children = _children(launcher)
    keepers = children.get(launcher, [])
    found = keepers
    if role != "monitor":
        below = [pid for keeper in keepers for pid in children.get(keeper, ())]
        found = [pid for pid in below if _is_first(pid) == (role == "child")]
    # A monitor's own name comes last: it is at work as soon as its starter is.
    at_work = [pid for pid in found if any(_name(one) != _WAITING for one in (pid, *children.get(pid, ())))]
    return chance.choice(at_work or found or [0])


def busy_child(parent: int, chance: random.Random) -> int:
    """A child of `parent` that does not wait for work; 0 where there is none now."""
    known = _read(f"/proc/{parent}/task/{parent}/children")  # numbers begin anew at 32768: none is older than another
    children = [pid for pid in map(int, known.split()) if _name(pid) != _WAITING]
    return chance.choice(children or [0])


def is_running(pid: int) -> bool:
    """Whether it is there, and no zombie."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] not in ([], ["Z"], ["X"])


def _children(oldest: int) -> dict[int, list[int]]:
    """Parent -> children, of what is not older than `oldest`: quickly, for the instant is now."""
    found: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) >= oldest and (stat := _read(f"/proc/{entry}/stat")):
            found.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    return found


def _is_first(pid: int) -> bool:
    """Whether it is PID 1 of a namespace.  proc_pid_status(5), NSpid."""
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith("NSpid:"):
            return line.split()[-1] == "1"
    return False


def _name(pid: int) -> str:
    return _read(f"/proc/{pid}/comm").strip()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""  # it has ended
