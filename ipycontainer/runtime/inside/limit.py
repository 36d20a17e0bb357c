"""The job "limit": other limits for a container that runs."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError, Refused, WrongState
from ipycontainer.launcher import alive
from ipycontainer.linux import cgroups
from ipycontainer.runtime.inside import restart
from ipycontainer.runtime.inside.sweep import living_state, unless_swept
from ipycontainer.runtime.plan import cgroup_parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.runtime.launch import Host


def limit(host: Host, request: dict[str, Any]) -> dict[str, Any]:
    """request: run (the container's run folder), resources (`linux.resources`, those that change);

    launch: how its restart policy starts it from here on, if that changes.
    """
    run = str(request["run"])
    if request["resources"]:
        launch = request.get("launch") or {}
        _limit(host, run, request["resources"], cgroup_parent(launch.get("spec", {})))
    if request.get("launch"):
        if not alive.is_alive(run):
            raise WrongState("the container is not running")
        restart.renew(run, request["launch"])
    return {}


def _limit(host: Host, run: str, resources: dict[str, Any], parent: str) -> None:
    leaves = living_state(run, "runs")["cgroups"]
    limits = cgroups.limits_from_oci(resources)
    if not leaves:
        raise Refused("its control groups cannot be limited here: it runs without any (see `ipycontainer doctor`)")
    # A container that took a slot has its groups under the slot's name.
    layout = cgroups.below(host.layout, parent, limits)
    plan = cgroups.plan_cgroup(layout, os.path.basename(leaves[0]), limits)
    # What a plan writes above the container's own group hands controllers on, which takes nobody anything.
    for file, _ in plan.writes:
        folder = os.path.dirname(file)
        if folder in plan.leaves and folder not in leaves:
            option = next(iter(limits.controllers().values()))
            raise Refused(
                f"{option} cannot be given to a container that runs and was started without it; stop it, update it "
                "and start it"
            )
    try:
        cgroups.lift(leaves, limits)
        cgroups.update(plan)
    except KernelError as error:
        raise unless_swept(leaves, error) from None
