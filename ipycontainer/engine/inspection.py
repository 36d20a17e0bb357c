"""docker's `inspect` of a container, from what was written down and how it is now."""

from __future__ import annotations

import time

from ipycontainer.engine import mount_records
from ipycontainer.engine.request import VolumeMount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine
    from ipycontainer.runtime.container_state import State

_NEVER = "0001-01-01T00:00:00Z"
_DOCKERS_WORD = {"unknown": "dead"}

# What docker tells of an end in a network; "none" and "host" give it no address.
_ENDPOINT: dict[str, Any] = {
    "EndpointID": "",
    "Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "MacAddress": "",
}


# What docker can and this release cannot, as docker tells of what was not asked for.
_NOT_HERE: dict[str, Any] = {
    "PortBindings": {},
    "PublishAllPorts": False,
    "Links": None,
    "Cgroup": "",
    "ConsoleSize": [0, 0],
    "KernelMemory": 0,
    "KernelMemoryTCP": 0,
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
}


def rfc3339(seconds: float) -> str:
    """A moment as docker writes it, in UTC."""
    if not seconds:
        return _NEVER
    fraction = f"{seconds % 1:.6f}"[1:]
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + fraction + "Z"


def describe(container: Container, engine: Engine, size: bool = False) -> dict[str, Any]:
    """The description, in docker's shape, as far as this release has what it speaks of."""
    written = engine.directory.read_launch(container.id)
    config, spec = container.config, written["spec"]
    request = config["request"]
    command = list(container.command)
    state = container.state()
    return {
        "Id": container.id,
        "Created": rfc3339(container.created),
        "Path": command[0],
        "Args": command[1:],
        "State": {**_state(state), "Health": _health(container)},
        "Image": config["image_id"],
        "Name": f"/{container.name}",
        "RestartCount": state.restarts,
        "Driver": "overlay2",
        "Platform": "linux",
        # These three are seen in the container alone, and its log is no file of docker's JSON lines.
        "ResolvConfPath": "",
        "HostnamePath": "",
        "HostsPath": "",
        "LogPath": "",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "HostConfig": _host_config(request, spec),
        **(_sizes(container, engine) if size else {}),
        "GraphDriver": {"Name": "overlay2", "Data": _layers(container, written["lowers"])},
        "Mounts": mount_records.mounts(request, lambda item: engine.volume_source(VolumeMount.from_dict(item))),
        "Config": _config(container, engine, request, spec, written["user"]),
        "NetworkSettings": _network_settings(request),
    }


def _layers(container: Container, lowers: list[str]) -> dict[str, str]:
    """overlay's folders; where they are put together is seen in the container alone."""
    from ipycontainer.engine.launches import GENERATION

    own = f"{container.folder}/{GENERATION}"
    return {"LowerDir": ":".join(lowers), "MergedDir": "", "UpperDir": f"{own}/upper", "WorkDir": f"{own}/work"}


def _network_settings(request: dict[str, Any]) -> dict[str, Any]:
    network = request["network"]
    addresses = {"IPv4Address": "ip", "IPv6Address": "ip6", "LinkLocalIPs": "link_local_ips"}
    asked = {word: request[name] for word, name in addresses.items() if request[name]}
    own = {"IPAMConfig": asked or None, "Links": None, "Aliases": None, "NetworkID": "", **_ENDPOINT}
    own["DriverOpts"] = None
    return {
        "Bridge": "",
        "SandboxID": "",
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Ports": {},
        "SandboxKey": "",
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        **_ENDPOINT,
        "Networks": {} if network.startswith("container:") else {network: own},
    }


def _sizes(container: Container, engine: Engine) -> dict[str, int]:
    from ipycontainer.engine.container_size import size_of

    found = size_of(container, engine)
    return {"SizeRw": found.written, "SizeRootFs": found.whole}


def _state(state: State) -> dict[str, Any]:
    return {
        "Status": _DOCKERS_WORD.get(state.status, state.status),
        "Running": state.runs,
        "Paused": state.status == "paused",
        "Restarting": state.status == "restarting",
        "OOMKilled": state.oom_killed,
        "Dead": state.status == "unknown",
        "Pid": state.pid,
        "ExitCode": state.exit_code or 0,
        "ExitKnown": state.status != "unknown",
        "Error": state.error,
        "StartedAt": rfc3339(state.started),
        "FinishedAt": rfc3339(state.finished),
    }


def _health(container: Container) -> dict[str, Any] | None:
    health = container.health
    if health is None:
        return None
    from ipycontainer.engine.health import described

    return described(health)


def _host_config(request: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    linux = spec["linux"]
    return {
        **mount_records.host_config(request),
        **_NOT_HERE,
        "ContainerIDFile": request["cidfile"],
        "MaskedPaths": list(linux.get("maskedPaths", ())) or None,
        "ReadonlyPaths": list(linux.get("readonlyPaths", ())) or None,
        "LogConfig": {
            "Type": request["log_driver"] or "json-file",
            "Config": dict(sorted(pair.partition("=")[::2] for pair in request["log_opts"])),
        },
        "NetworkMode": request["network"],
        "RestartPolicy": restart_policy(request),
        "PidMode": request["pid_mode"],
        "IpcMode": request["ipc_mode"] or "private",
        "UTSMode": request["uts_mode"],
        "CgroupnsMode": request["cgroupns"] or "private",
        "UsernsMode": request["userns_mode"],
        "Dns": list(request["dns"]),
        "DnsOptions": list(request["dns_opt"]),
        "DnsSearch": list(request["dns_search"]),
        "ExtraHosts": request["extra_hosts"] or None,
        "AutoRemove": request["remove"],
        "CapAdd": request["cap_add"] or None,
        "CapDrop": request["cap_drop"] or None,
        "Privileged": request["privileged"],
        "DeviceRequests": _device_requests(request),
        "Devices": [_device(text) for text in request["devices"]],
        "Runtime": request["runtime"] or "ipycontainer",
        "Isolation": request["isolation"],
        "Sysctls": dict(text.partition("=")[::2] for text in request["sysctls"]) or None,
        "SecurityOpt": request["security_opts"] or None,
        "CgroupParent": request["cgroup_parent"],
        "CpuShares": request["cpu_shares"],
        "NanoCpus": round(request["cpus"] * 1_000_000_000),
        "Memory": request["memory"],
        "MemorySwap": request["memory_swap"] or 2 * request["memory"],
        "MemoryReservation": request["memory_reservation"],
        "MemorySwappiness": None if request["memory_swappiness"] == -1 else request["memory_swappiness"],
        "OomKillDisable": request["oom_kill_disable"],
        "CpuPeriod": request["cpu_period"],
        "CpuQuota": request["cpu_quota"],
        "CpuRealtimePeriod": request["cpu_rt_period"],
        "CpuRealtimeRuntime": request["cpu_rt_runtime"],
        "CpusetCpus": request["cpuset_cpus"],
        "CpusetMems": request["cpuset_mems"],
        "BlkioWeight": request["blkio_weight"],
        "BlkioWeightDevice": _rates(request, "blkio_weight_devices", "Weight") or [],
        "BlkioDeviceReadBps": _rates(request, "device_read_bps", "Rate"),
        "BlkioDeviceWriteBps": _rates(request, "device_write_bps", "Rate"),
        "BlkioDeviceReadIOps": _rates(request, "device_read_iops", "Rate"),
        "BlkioDeviceWriteIOps": _rates(request, "device_write_iops", "Rate"),
        "DeviceCgroupRules": request["device_cgroup_rules"] or None,
        "OomScoreAdj": request["oom_score_adj"],
        "ShmSize": request["shm_size"] or 64 << 20,
        "GroupAdd": request["group_add"] or None,
        "Annotations": dict(pair.partition("=")[::2] for pair in request["annotations"]) or None,
        "PidsLimit": request["pids_limit"] or None,
        "Init": request["init"] or None,
        "ReadonlyRootfs": request["read_only"],
        "Ulimits": [{"Name": item["name"], "Soft": item["soft"], "Hard": item["hard"]} for item in request["ulimits"]]
        or None,
    }


def restart_policy(request: dict[str, Any]) -> dict[str, Any]:
    """docker's RestartPolicy."""
    name, _, most = str(request["restart"]).partition(":")
    return {"Name": name, "MaximumRetryCount": int(most or 0)}


def _device_requests(request: dict[str, Any]) -> list[dict[str, Any]] | None:
    if not request["gpus"]:
        return None
    from ipycontainer.engine.machine_options import described

    return described(request["gpus"])


def _device(text: str) -> dict[str, str]:
    from ipycontainer.engine.confinement import device

    return dict(zip(("PathOnHost", "PathInContainer", "CgroupPermissions"), device(text), strict=True))


def _rates(request: dict[str, Any], name: str, word: str) -> list[dict[str, Any]] | None:
    from ipycontainer.engine.sizes import size_bytes

    pairs = [text.rpartition(":")[::2] for text in request[name]]
    return [{"Path": path, word: size_bytes(number)} for path, number in pairs] or None


def _environment(spec: dict[str, Any], request: dict[str, Any]) -> list[str]:
    """docker's order: what was asked for, then the image's; HOSTNAME is added at the start alone."""
    every = [pair for pair in spec["process"]["env"] if pair != f"HOSTNAME={spec.get('hostname')}"]
    asked = [pair for pair in request["env"] if pair in every]
    return asked + [pair for pair in every if pair not in asked]


def _working_folder(request: dict[str, Any], spec: dict[str, Any]) -> str:
    """Nothing where nobody named one, and the program begins at the root."""
    cwd = str(spec["process"]["cwd"])
    return cwd if cwd != "/" else str(request["workdir"])


def _config(
    container: Container, engine: Engine, request: dict[str, Any], spec: dict[str, Any], user: str
) -> dict[str, Any]:
    from ipycontainer.engine.sharing import shown_hostname

    attach = request["attach"]
    entrypoint, rest = container.entrypoint_and_rest
    return {
        "Hostname": shown_hostname(engine, spec, bool(container.state().started)),
        "Domainname": request["domainname"],
        "User": user,
        "AttachStdin": request["interactive"] and bool(attach),
        "AttachStdout": "stdout" in attach,
        "AttachStderr": "stderr" in attach,
        "ExposedPorts": container.config.get("exposed_ports"),
        "Tty": request["tty"],
        "OpenStdin": request["interactive"],
        "StdinOnce": request["interactive"] and bool(attach),
        "Env": _environment(spec, request),
        "Cmd": list(rest) or None,
        "Healthcheck": container.config.get("healthcheck"),
        "Image": container.image,
        "Volumes": mount_records.image_volumes(request),
        "WorkingDir": _working_folder(request, spec),
        "Entrypoint": list(entrypoint) or None,
        "OnBuild": None,
        "Labels": container.labels,
        "StopSignal": container.config["stop_signal"],
        "StopTimeout": request["stop_timeout"],
    }
