"""The plan of a container's groups, as data."""

from __future__ import annotations

from ipycontainer.errors import Refused
from ipycontainer.record import Record

# Every group of ours hangs in a folder of this name, which is what `remove` recognises us by.
OURS = "ipycontainer"


class CgroupPlan(Record):
    """A container's groups.

    folders: to be made in this order (one that is there is good);
    fills: (file, value) to write before anybody joins: v1's cpuset begins empty, and takes nobody then;
    wishes: (file, value) to write, each of which may fail at the cost of a statistic;
    writes: (file, value) that must be written, in this order;
    joins: the files that a single-threaded process writes itself into ("0");
    leaves: the container's own folders, one for each hierarchy: what usage, freeze and remove work on,
            and what is noted down before anything is made;
    clone_into: on v2, the folder that clone3(CLONE_INTO_CGROUP) may be given instead of a join;
    notes: sentences about what this host cannot do, where nothing of it was asked for.
    """

    folders: tuple[str, ...] = ()
    fills: tuple[tuple[str, str], ...] = ()
    wishes: tuple[tuple[str, str], ...] = ()
    writes: tuple[tuple[str, str], ...] = ()
    joins: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    clone_into: str = ""
    notes: tuple[str, ...] = ()


def refuse(needed: dict[str, str], reason: str, mend: str) -> Refused:
    """The one sentence for a limit that cannot be kept."""
    options = ", ".join(dict.fromkeys(needed.values()))
    return Refused(f"{options} cannot be kept here: {reason}; {mend}")


def no_weights(option: str) -> Refused:
    """A kernel without BFQ and, on version 2, without a cost model of disks (CONFIG_BLK_CGROUP_IOCOST)."""
    return refuse(
        {"io": option},
        "this kernel has no weights for disks",
        "leave the option out (--device-write-bps and its kin limit a disk's traffic)",
    )
