"""--cgroup-parent: another place for a container's groups, as data.

`/name` lies below the top of every tree, `name` below the caller's own group; what is missing of it is made, and stays,
as docker leaves it: somebody has named it.  Whatever limits are written there by hand hold for all containers in it.
"""

from __future__ import annotations

from ipycontainer.errors import InputError, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.linux.cgroups.layout import Hierarchy, Layout, Level
    from ipycontainer.linux.cgroups.limits import Limits


def below(layout: Layout, parent: str, limits: Limits) -> Layout:
    """The layout where groups hang below `parent` ("" leaves it as it is).

    Raises Refused for ordinary users, and for a set of CPUs: an empty set has to be filled, and whose is unknown.
    """
    if not parent:
        return layout
    if not layout.root:
        raise Refused("--cgroup-parent cannot be kept here: control groups of one's choice are for root alone")
    if limits.cpus or limits.mems:
        raise Refused("--cgroup-parent cannot be kept beside --cpuset-cpus and --cpuset-mems: leave one of them out")
    whole, parts = parent.startswith("/"), checked(parent)
    v1 = tuple(_hierarchy(hierarchy, whole, parts) for hierarchy in layout.v1)
    rare = tuple(_hierarchy(hierarchy, whole, parts) for hierarchy in layout.rare)
    return layout.replace(v1=v1, rare=rare, v2=_levels(layout.v2, whole, parts))


def checked(parent: str) -> list[str]:
    """Its folders' names.  Raises InputError for what leaves the tree, or names no folder."""
    parts = [part for part in parent.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or not parent.isprintable():
        raise InputError(f"--cgroup-parent {parent!r} names no control group: write /group or /group/below")
    return parts


def _hierarchy(hierarchy: Hierarchy, whole: bool, parts: list[str]) -> Hierarchy:
    above = _folders(hierarchy.mount if whole else hierarchy.own, parts)
    return hierarchy.replace(own=above[-1], above=above)


def _levels(levels: tuple[Level, ...], whole: bool, parts: list[str]) -> tuple[Level, ...]:
    """One level alone: whoever asks for a place wants no other."""
    if not levels:
        return ()
    free = (level for level in levels if level.writable and (level.top or not level.populated))
    base = levels[-1] if whole else next(free, levels[-1])
    above = _folders(base.path, parts)
    return (base.replace(path=above[-1], enabled=(), populated=False, top=False, above=above),)


def _folders(base: str, parts: list[str]) -> tuple[str, ...]:
    found = [base]
    for part in parts:
        found.append(f"{found[-1]}/{part}")
    return tuple(found[1:])
