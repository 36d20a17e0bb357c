"""From a layout, a name and limits to what must be made, written and joined: plain data, nothing touched."""

from __future__ import annotations

from ipycontainer.errors import InputError
from ipycontainer.linux.cgroups import v1, v2
from ipycontainer.linux.cgroups.cgroup_plan import CgroupPlan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.linux.cgroups.layout import Layout
    from ipycontainer.linux.cgroups.limits import Limits


def plan_cgroup(layout: Layout, name: str, limits: Limits) -> CgroupPlan:
    """The groups of the container `name` that keep `limits` on a host with `layout`.

    Raises Refused where a limit was asked for that cannot be kept.  Where nothing was asked for, what the
    host cannot do is left out and said in `notes`.
    """
    check_name(name)
    needed = limits.controllers()
    on_v1 = [controller for controller in needed if layout.v1_of(v1.NAMES.get(controller, controller))]
    on_v2 = [controller for controller in needed if controller not in on_v1]
    parts: list[CgroupPlan] = []
    if layout.v1:
        parts.append(v1.plan_v1(layout, name, limits, {c: needed[c] for c in on_v1}))
    # In a hybrid layout the v2 tree is mostly empty, and then a group there would cost and give nothing.
    if on_v2 or layout.kind == "unified" or (layout.v2 and set(layout.v2[0].controllers) & set(v2.WANTED)):
        parts.append(v2.plan_v2(layout, name, limits, {c: needed[c] for c in on_v2}))
    if not parts:
        note = "This machine shows no control groups: nothing is counted, and no limit could be kept."
        return CgroupPlan(notes=(note,))
    return _together(parts)


def _together(parts: list[CgroupPlan]) -> CgroupPlan:
    joined = parts[0]
    for part in parts[1:]:
        joined = CgroupPlan(
            joined.folders + part.folders,
            joined.fills + part.fills,
            joined.wishes + part.wishes,
            joined.writes + part.writes,
            joined.joins + part.joins,
            joined.leaves + part.leaves,
            joined.clone_into or part.clone_into,
            joined.notes + part.notes,
        )
    return joined


def check_name(name: str) -> None:
    """Refuse a name that could leave our folder or meet one of the kernel's own files there."""
    good = name.isascii() and name.replace("_", "").replace("-", "").isalnum() and len(name) <= 128
    if not good or name in ("tasks", "notify_on_release"):
        raise InputError(f"{name!r} cannot name a control group: use letters, digits, '_' and '-'")


def shown_groups(layout: Layout, name: str, leaves: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(name of the hierarchy's mount, the container's folder) for each v1 hierarchy that it is in."""
    found = ((hierarchy.mount.rpartition("/")[2], v1.leaf_of(hierarchy, name)) for hierarchy in layout.v1)
    return tuple((label, leaf) for label, leaf in found if leaf in leaves)
