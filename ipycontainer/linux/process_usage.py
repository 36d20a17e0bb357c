"""What the processes of a container use where no control group counts them: summed up from /proc.  proc_pid_stat(5).

Coarser than a group: memory that processes share is counted for each, and what ended without being waited for
inside is forgotten.
"""

from __future__ import annotations

import os

from ipycontainer.linux.cgroups.usage import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_TIMES, _RSS = slice(11, 15), 21  # counted from the state, which stands behind the name in brackets


def processes_of_namespace(pid: int) -> list[int]:
    """The processes in the pid namespace of `pid`, that one included, as we number them."""
    found = []
    try:
        wanted = os.stat(f"/proc/{pid}/ns/pid").st_ino
    except OSError:
        return []  # it has ended
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.stat(f"/proc/{entry}/ns/pid").st_ino == wanted:
                found.append(int(entry))
        except OSError:
            continue  # somebody else's, or it has just ended
    return sorted(found)


def usage_of_namespaces(pids: Iterable[int]) -> dict[int, Usage]:
    """For each of `pids`, which is number 1 in its own pid namespace: what all processes in there use.

    One pass over /proc for all of them; a pid that is gone, or whose namespace may not be looked at, is left out.
    """
    first = {}
    for pid in pids:
        try:
            first[os.stat(f"/proc/{pid}/ns/pid").st_ino] = pid
        except OSError:
            continue
    sums = {pid: [0, 0, 0] for pid in first.values()}
    if not first:
        return {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            pid = first[os.stat(f"/proc/{entry}/ns/pid").st_ino]
            with open(f"/proc/{entry}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except (OSError, KeyError):
            continue  # somebody else's, another namespace's, or it has just ended
        found = sums[pid]
        found[0] += int(fields[_RSS])
        found[1] += sum(int(field) for field in fields[_TIMES])
        found[2] += 1
    page, tick = os.sysconf("SC_PAGE_SIZE"), 1_000_000 // os.sysconf("SC_CLK_TCK")
    return {
        pid: Usage(memory_current=pages * page, cpu_usec=ticks * tick, pids_current=count)
        for pid, (pages, ticks, count) in sums.items()
    }
