"""docker's words for this machine: what `info` and `version` show beside what is our own."""

from __future__ import annotations

import os
import time

from ipycontainer import __version__
from ipycontainer.errors import Refused
from ipycontainer.linux.cgroups import limits_from_oci, plan_cgroup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.linux.cgroups import Layout

_INDEX = "https://index.docker.io/v1/"

# docker's flag -> a limit, in the words of an OCI runtime spec, that it says can be kept.
_LIMITS: dict[str, dict[str, Any]] = {
    "MemoryLimit": {"memory": {"limit": 64 << 20}},
    "CpuCfsPeriod": {"cpu": {"quota": 50_000, "period": 100_000}},
    "CpuCfsQuota": {"cpu": {"quota": 50_000, "period": 100_000}},
    "CPUShares": {"cpu": {"shares": 512}},
    "CPUSet": {"cpu": {"cpus": "0"}},
    "PidsLimit": {"pids": {"limit": 64}},
    "OomKillDisable": {"memory": {"limit": 64 << 20, "disableOOMKiller": True}},
}


def limits(layout: Layout) -> dict[str, bool]:
    """Which of docker's limits this caller's control groups can keep."""
    found = {name: _is_kept(layout, resources) for name, resources in _LIMITS.items()}
    memory = layout.v1_of("memory")
    return {**found, "SwapLimit": found["MemoryLimit"] and (layout.v2_swap or bool(memory and memory.swap))}


def _is_kept(layout: Layout, resources: dict[str, Any]) -> bool:
    try:
        plan_cgroup(layout, "check", limits_from_oci(resources))
    except Refused:
        return False
    return True


def host(layout: Layout) -> dict[str, Any]:
    """The rest of docker's `info`, as far as it means something without a daemon."""
    from ipycontainer.engine.inspection import rfc3339

    release = _release()
    kept = limits(layout)
    return {
        "Name": os.uname().nodename,
        "OperatingSystem": release.get("PRETTY_NAME", "Linux"),
        "OSVersion": release.get("VERSION_ID", ""),
        "ServerVersion": __version__,
        "SystemTime": rfc3339(time.time()),
        "CgroupDriver": "cgroupfs" if any(kept.values()) else "none",
        **kept,
        "IPv4Forwarding": _line("/proc/sys/net/ipv4/ip_forward") == "1",
        "DefaultRuntime": "ipycontainer",
        "Runtimes": {"ipycontainer": {"path": "ipycontainer"}},
        "Plugins": {
            "Volume": ["local"],
            "Network": ["host", "none"],
            "Authorization": None,
            "Log": ["json-file", "local", "none"],
        },
        "Swarm": {"NodeID": "", "LocalNodeState": "inactive", "ControlAvailable": False, "Error": ""},
        "IndexServerAddress": _INDEX,
        "Labels": [],
        "Isolation": "",
        "Debug": False,
        "ExperimentalBuild": False,
        "LiveRestoreEnabled": True,  # containers outlive whatever started them
        "Warnings": None,
        "ServerErrors": None,
        "ClientInfo": {"Debug": False, "Context": "default", "Plugins": [], "Warnings": None},
    }


def client_and_server() -> dict[str, Any]:
    """docker's two halves of `version`; here one program is both."""
    from ipycontainer.oci.platform import host as platform

    words = {
        "Platform": {"Name": ""},
        "Version": __version__,
        "Os": "linux",
        "Arch": platform().architecture,
        "Experimental": False,
    }
    server = {**words, "KernelVersion": os.uname().release}
    engine = {"Name": "Engine", "Version": __version__, "Details": {"Arch": server["Arch"], "Os": "linux"}}
    return {"Client": {**words, "Context": "default"}, "Server": {**server, "Components": [engine]}}


def _release() -> dict[str, str]:
    from platform import freedesktop_os_release

    try:
        return freedesktop_os_release()
    except OSError:
        return {}


def _line(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
