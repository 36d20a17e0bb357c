"""What `info` and `version` show."""

from __future__ import annotations

import os
import sys

from ipycontainer import __version__
from ipycontainer.linux.cgroups import read_layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.engine import Engine


def version() -> dict[str, Any]:
    """This release, its Python, the kernel; and the same as docker's Client and Server."""
    from ipycontainer.engine.machine_words import client_and_server

    return {**_own_version(), **client_and_server()}


def _own_version() -> dict[str, Any]:
    host = os.uname()
    return {
        "Version": __version__,
        "Python": sys.version.split()[0],
        "Os": "linux",
        "Arch": host.machine,
        "KernelVersion": host.release,
    }


def _security_options() -> list[str]:
    """docker's words for what confines a container on this host."""
    found = ["name=cgroupns"]
    if os.path.exists("/proc/sys/kernel/seccomp"):
        found.insert(0, "name=seccomp,profile=builtin")
    if os.geteuid():
        found.append("name=rootless")
    return found


def slots(run: str) -> dict[str, int]:
    """How many containers' beginnings wait for one (IPYCONTAINER_SLOTS=0 keeps none), and what they cost in bytes.

    The cost is what would be free without them: the pages that are theirs alone.  /proc/PID/smaps_rollup.
    """
    try:
        monitors = [int(name.rpartition("-")[2]) for name in os.listdir(os.path.join(run, "slots"))]
    except FileNotFoundError:
        monitors = []
    waiting = [[pid, *_children(pid)] for pid in monitors if _text(f"/proc/{pid}/comm") == "ipyc-spare\n"]
    return {"Waiting": len(waiting), "Memory": sum(_private(pid) for slot in waiting for pid in slot)}


def _children(pid: int) -> list[int]:
    return [int(word) for word in _text(f"/proc/{pid}/task/{pid}/children").split()]


def _private(pid: int) -> int:
    lines = [line.split() for line in _text(f"/proc/{pid}/smaps_rollup").splitlines()]
    return sum(int(line[1]) for line in lines if line[0] in ("Private_Dirty:", "Private_Clean:")) << 10


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""  # it has ended


def info(engine: Engine) -> dict[str, Any]:
    """The store and its counts; the launcher if there is one (none is started); the host."""
    counts = {"running": 0, "paused": 0, "restarting": 0, "created": 0, "exited": 0, "unknown": 0}
    for container in engine.containers(all=True):
        if (status := container.status) in counts:  # one that was just removed counts no more
            counts[status] += 1
    from ipycontainer.engine.machine_words import host

    pid = engine.launcher.running_pid()
    layout = read_layout(pid) if pid else read_layout()
    return {
        "Containers": sum(counts.values()),
        "ContainersRunning": counts["running"] + counts["restarting"],
        "ContainersPaused": counts["paused"],
        "ContainersStopped": counts["exited"] + counts["created"] + counts["unknown"],
        "Images": len(engine.images()) if os.path.isdir(engine.root) else 0,
        "Driver": "overlay2",
        "LoggingDriver": "json-file",
        "OSType": "linux",
        "Architecture": os.uname().machine,
        "CgroupVersion": "2" if layout.kind == "unified" else "1",
        "Rootless": os.geteuid() != 0,
        "SecurityOptions": _security_options(),
        "Launcher": {"Pid": pid, "Mode": engine.launcher.mode} if pid else None,
        "Slots": slots(engine.launcher.run) if pid else None,
        "DockerRootDir": engine.root,
        "RunFolder": engine.launcher.run,
        "NCPU": os.cpu_count(),
        "MemTotal": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        **host(layout),
        **_own_version(),
    }
