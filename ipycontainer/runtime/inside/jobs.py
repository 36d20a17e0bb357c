"""The runtime's jobs by name, bound to what the launcher knows of this host."""

from __future__ import annotations

from ipycontainer.linux import capabilities, cgroups, idmaps
from ipycontainer.runtime.inside import exec as exec_job
from ipycontainer.runtime.inside import kill, life, starter, sweep
from ipycontainer.runtime.inside.slot import Slot, prepare
from ipycontainer.runtime.launch import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.launcher.server import Job, JobChannel


Extents = tuple[tuple[int, int, int], ...]


def read_host(mode: str) -> Host:
    """What a plan depends on, read once in the launcher's life."""
    return host_with(mode, _read_map("uid_map"), _read_map("gid_map"))


def host_with(mode: str, uid_map: Extents, gid_map: Extents) -> Host:
    """The same for somebody who is not in the store namespace but knows its mode and its maps."""
    layout = cgroups.read_layout()
    return Host(
        mode,
        uid_map,
        gid_map,
        layout,
        capabilities.last(),
        life.boot_id(),
        cgroups.devices.control(mode == "root", layout.kind == "unified"),
        _oom_score() < 0,
    )


def _oom_score() -> int:
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:
        return int(file.read())


def _read_map(kind: str) -> Extents:
    with open(f"/proc/self/{kind}", encoding="ascii") as file:
        return tuple((item.inside, item.outside, item.length) for item in idmaps.parse_map(file.read()))


def jobs(mode: str) -> dict[str, Job]:
    """run, exec, kill, sweep."""
    host = read_host(mode)

    def run(request: dict[str, Any], descriptors: list[int], channel: JobChannel) -> None:
        starter.run(host, request, descriptors, channel)

    def execute(request: dict[str, Any], descriptors: list[int], channel: JobChannel) -> None:
        exec_job.execute(host, request, descriptors, channel)

    return {"run": run, "exec": execute, "kill": kill.kill, "sweep": sweep.sweep}


def preparation(mode: str, staging: str) -> Callable[[], Slot | None]:
    """What a starter does while it waits; staging: an empty folder that a mount may cover."""
    host = read_host(mode)

    def act() -> Slot | None:
        return prepare(host, staging)

    return act
