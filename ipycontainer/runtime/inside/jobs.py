"""The runtime's jobs by name, bound to what the launcher knows of this host."""

from __future__ import annotations

import resource

from ipycontainer.launcher import alive
from ipycontainer.linux import capabilities, cgroups, idmaps, labels
from ipycontainer.runtime.inside import attend as attending
from ipycontainer.runtime.inside import exec as exec_job
from ipycontainer.runtime.inside import hold, kill, limit, pause, remove, root_handle, sweep
from ipycontainer.runtime.inside.rehearsal import rehearse, rehearse_exec
from ipycontainer.runtime.inside.slot import Slots
from ipycontainer.runtime.launch import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.launcher.server import Job
    from ipycontainer.launcher.waiting import Waiting
    from ipycontainer.launcher.wire import Channel

    IdMap = tuple[tuple[int, int, int], ...]

_OURS = 4096  # descriptors


# They take no time, and leave nothing in the process that did one.
BRIEF = frozenset(("kill", "pause", "unpause", "remove", "sweep"))

# What the launcher does itself where nobody can be forked for it.
URGENT: dict[str, Job] = {"kill": kill.kill, "remove": remove.remove_unforked}


def read_host(mode: str) -> Host:
    """What a plan depends on, read once in the launcher's life."""
    return host_with(mode, _read_map("uid_map"), _read_map("gid_map"))


def host_with(mode: str, uids: IdMap, gids: IdMap) -> Host:
    """What a plan depends on where a launcher is, or would be, in that mode with these id maps; changes nothing."""
    layout = cgroups.read_layout()
    return Host(
        mode,
        uids,
        gids,
        layout,
        capabilities.last(),
        alive.boot_id(),
        cgroups.devices.control(mode == "root", layout.kind == "unified"),
        _oom_score() < 0,
        labels.loaded_profile("docker-default") if mode == "root" else "",
        0 if mode == "root" else _descriptors(),
    )


def _descriptors() -> int:
    """Fewer than the launcher may have: as many may be on their way between all processes of one account, unix(7).

    So those in containers cannot be on their way in such numbers that nothing can be started any more.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return most - min(most // 4, _OURS)


def _oom_score() -> int:
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:
        return int(file.read())


def _read_map(kind: str) -> tuple[tuple[int, int, int], ...]:
    with open(f"/proc/self/{kind}", encoding="ascii") as file:
        return tuple((item.inside, item.outside, item.length) for item in idmaps.parse_map(file.read()))


def jobs(mode: str) -> dict[str, Job]:
    """exec, hold, kill, limit, pause, unpause, remove, root, sweep."""
    host = read_host(mode)

    def execute(request: dict[str, Any], descriptors: list[int], channel: Channel) -> None:
        exec_job.execute(host, request, descriptors, channel)

    def lend(request: dict[str, Any], descriptors: list[int], channel: Channel) -> dict[str, Any] | None:
        return root_handle.lend(host, request, descriptors, channel)

    def change_limits(request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
        return limit.limit(host, request)

    return {
        "exec": execute,
        "limit": change_limits,
        "hold": hold.hold,
        "root": lend,
        "kill": kill.kill,
        "pause": pause.pause,
        "unpause": pause.unpause,
        "sweep": sweep.sweep,
        "remove": remove.remove,
    }


def attendance(
    mode: str, root: str, run: str, slots: bool
) -> tuple[Callable[[Waiting], None], tuple[Callable[[], None], ...]]:
    """What a process does that is forked for the next start; and rehearsals, of an exec and of a start.

    root, run: the store's folders.
    """
    host = read_host(mode)
    made = Slots(host, root, run) if slots else None

    def attend(waiting: Waiting) -> None:
        attending.attend(host, made, waiting)

    return attend, (lambda: rehearse_exec(host), lambda: rehearse(host))
