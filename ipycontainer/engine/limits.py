"""Whether this host can keep the limits that were asked for: looked at before anything is made."""

from __future__ import annotations

from ipycontainer.linux.cgroups import limits_from_oci, plan_cgroup, read_layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def check_limits(resources: dict[str, Any]) -> None:
    """Raises Refused, with the reason, for a limit that could not be kept here: it is never dropped silently."""
    plan_cgroup(read_layout(), "check", limits_from_oci(resources))
