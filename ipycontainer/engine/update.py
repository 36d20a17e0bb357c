"""docker's `update`: a container's limits and restart policy, changed in the kernel if it runs, and in its record."""

from __future__ import annotations

from ipycontainer.engine.asked import Asked
from ipycontainer.engine.container import Container
from ipycontainer.engine.limits import check_limits
from ipycontainer.engine.request import RunRequest
from ipycontainer.engine.resources import resources
from ipycontainer.errors import InputError
from ipycontainer.runtime import lifecycle
from ipycontainer.runtime.container_state import RESTARTING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# What `update` may change, by its name in a request.
LIMITS = (
    "memory", "memory_swap", "memory_reservation", "cpus", "cpu_shares", "cpu_period", "cpu_quota", "cpu_rt_period",
    "cpu_rt_runtime", "cpuset_cpus", "cpuset_mems", "blkio_weight", "pids_limit",
)  # fmt: skip


def update(container: Container, asked: Mapping[str, Any]) -> None:
    """Change the limits in `asked` (names of LIMITS) and `restart`; what is not there stays as it is.

    The kernel first: who is killed in between has told nobody that it was done, and the next start has the old ones.
    """
    engine = container.engine
    with engine.directory.revising(container.id) as record:
        before = Asked(record.config["request"])
        try:
            changed = _changed(before, {name: value for name, value in asked.items() if name != "restart"})
        except InputError as error:
            raise InputError(f"Cannot update container {container.id}: {error}") from None
        policy = _policy(before, asked)
        limits = _limits_of({**before, **changed})
        check_limits(limits, engine.launcher)
        kept = record.launch["spec"]["linux"].get("resources", {})
        # No limit is what a container has that was made without one.
        record.config["request"].update(changed, **({"pids_limit": 0} if changed.get("pids_limit") == -1 else {}))
        record.launch["spec"]["linux"]["resources"] = {
            **limits, **({"devices": kept["devices"]} if "devices" in kept else {})
        }  # fmt: skip
        if policy is not None:
            record.config["request"]["restart"] = asked["restart"]
            record.launch.update({"restart": "", "retries": 0, **policy})
        _reach(container, record.launch, _limits_of(_to_write(changed, before)) if changed else {})
    engine.journal.append("container", "update", container.id, container.told)


def _policy(before: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, object] | None:
    if not asked.get("restart"):
        return None
    from ipycontainer.engine.restart_policy import NONE, parse

    policy = parse(asked["restart"])
    if before["remove"] and asked["restart"] not in NONE:
        raise InputError("Restart policy cannot be updated because AutoRemove is enabled for the container")
    return policy


def _reach(container: Container, written: dict[str, Any], limits: dict[str, Any]) -> None:
    """Tell the kernel, and the monitor, which is who starts it again, if its program runs."""
    from ipycontainer.engine.launches import launch_of

    engine, state = container.engine, container.state()
    if not state.runs:
        return
    known = Container(engine, container.id, container.config, container.name, written)
    launch = launch_of(engine, known, attach=False, stdin=False, size=None)
    # What waits to be started again has no control group now.
    lifecycle.limit(engine.launcher, container.run_folder, {} if state.status == RESTARTING else limits, launch)


def _changed(before: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """docker's rules for what would contradict what is there."""
    for name, word in (("cpu_period", "CPU Period"), ("cpu_quota", "CPU Quota")):
        if asked.get("cpus") and before.get(name):
            raise InputError(f"Conflicting options: Nano CPUs cannot be updated as {word} has already been set")
        if asked.get(name) and before.get("cpus"):
            raise InputError(f"Conflicting options: {word} cannot be updated as NanoCPUs has already been set")
    changed = dict(asked)
    limit = asked.get("memory")
    if limit and "memory_swap" not in asked:
        # Without --memory-swap it was twice the memory, and that is what it stays; and where there was none, or no
        # bound (-1), docker wants to hear what it is to be.
        both = before.get("memory_swap") or 2 * before["memory"]
        if both < limit:
            raise InputError(
                "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same "
                "time"
            )
        changed["memory_swap"] = both
    return changed


def _to_write(changed: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Memory and swap are one pair of files, quota and period another."""
    pairs = (("memory", "memory_swap"), ("cpu_quota", "cpu_period"))
    more = {name: before.get(name, 0) for pair in pairs if set(pair) & set(changed) for name in pair}
    return {**more, **changed}


def _limits_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """`linux.resources` of what is written in a record; rare limits that cannot be changed included."""
    known = RunRequest(image="").as_dict()
    fields = {name: value for name, value in request.items() if name in known and _is_limit(name)}
    return resources(RunRequest(image="", **{name: _as_field(value) for name, value in fields.items()}))


def _is_limit(name: str) -> bool:
    return name in LIMITS or name.startswith(("blkio_", "device_read", "device_write")) or name in (
        "memory_swappiness", "oom_kill_disable",
    )  # fmt: skip


def _as_field(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
