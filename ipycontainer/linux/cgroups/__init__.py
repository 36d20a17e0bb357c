"""Control groups in v2's words; v1 is translated.

layout.py   what this host has, and where the caller sits in it
limits.py   what is asked for, out of docker's or OCI's words
devices.py  which devices may be opened: v1's list, v2's program
parent.py   --cgroup-parent: another place, in the layout
plan.py     layout + name + limits -> folders, writes, joins: plain data, nothing touched
v2.py       the unified tree: where a container's group can hang, its files
v1.py       one tree for each controller: the translation, and what it cannot
group.py    what is done to a group: make, join, freeze, kill, remove
usage.py    what it uses
"""

from __future__ import annotations

from ipycontainer.linux.cgroups import devices
from ipycontainer.linux.cgroups.cgroup_plan import CgroupPlan
from ipycontainer.linux.cgroups.group import (
    freeze,
    has_freezer,
    is_frozen,
    join,
    kill_all,
    lift,
    limit,
    make,
    processes,
    remove,
    thaw,
    thaw_below,
    update,
)
from ipycontainer.linux.cgroups.layout import Layout, read_layout
from ipycontainer.linux.cgroups.limits import Limits, limits_from_docker, limits_from_oci
from ipycontainer.linux.cgroups.parent import below
from ipycontainer.linux.cgroups.plan import plan_cgroup, shown_groups
from ipycontainer.linux.cgroups.usage import Usage, oom_kills, usage
from ipycontainer.linux.cgroups.v2 import lower_join

__all__ = [
    "CgroupPlan",
    "Layout",
    "Limits",
    "Usage",
    "below",
    "devices",
    "freeze",
    "has_freezer",
    "is_frozen",
    "join",
    "kill_all",
    "lift",
    "limit",
    "limits_from_docker",
    "limits_from_oci",
    "lower_join",
    "make",
    "oom_kills",
    "plan_cgroup",
    "processes",
    "read_layout",
    "remove",
    "shown_groups",
    "thaw",
    "thaw_below",
    "update",
    "usage",
]
