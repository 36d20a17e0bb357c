"""Whether this host can keep the limits that were asked for: looked at before anything is made."""

from __future__ import annotations

from ipycontainer.errors import Refused
from ipycontainer.linux.cgroups import Layout, limits_from_oci, plan_cgroup, read_layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.client import Launcher


def check_limits(resources: dict[str, Any], launcher: Launcher) -> None:
    """Raises Refused, with the reason, for a limit that could not be kept here: it is never dropped silently."""
    limits = limits_from_oci(resources)
    try:
        plan = plan_cgroup(read_layout(), "check", limits)
    except Refused:
        plan = plan_cgroup(launchers_layout(launcher), "check", limits)
    if resources.get("memory", {}).get("swap", 0) > 0 and any("swap" in note for note in plan.notes):
        raise Refused("--memory-swap cannot be kept here: this kernel does not count swap; leave the option out")


def launchers_layout(launcher: Launcher) -> Layout:
    """The control groups as the launcher meets them, which may sit in a scope that was delegated to it.

    It is started where only that can tell.
    """
    from ipycontainer.launcher import scope

    return read_layout(launcher.facts()["pid"]) if scope.available() else read_layout()
