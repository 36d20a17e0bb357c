"""Engine.run's keywords, in the forms that people write, as a RunRequest."""

from __future__ import annotations

from ipycontainer.engine.request import Bind, ImageMount, RunRequest, Tmpfs, Ulimit, VolumeMount
from ipycontainer.engine.sizes import size_bytes
from ipycontainer.errors import InputError
from ipycontainer.linux.working_folder import working_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any


def friendly_request(
    image: str,
    command: Sequence[str] | str | None,
    *,
    name: str,
    remove: bool,
    entrypoint: Sequence[str] | None,
    env: Mapping[str, str] | Sequence[str],
    workdir: str,
    user: str,
    hostname: str,
    labels: Mapping[str, str] | Sequence[str],
    interactive: bool,
    init: bool,
    read_only: bool,
    memory: str | int,
    cpus: float,
    cpu_shares: int,
    pids_limit: int,
    volumes: Mapping[str, str] | Sequence[str],
    volumes_from: Sequence[str],
    mounts: Sequence[str],
    tmpfs: Sequence[str],
    ulimits: Mapping[str, int] | None,
    cap_add: Sequence[str],
    cap_drop: Sequence[str],
    security_opt: Sequence[str],
    privileged: bool,
    devices: Sequence[str],
    sysctls: Mapping[str, str] | Sequence[str],
    group_add: Sequence[str],
    annotations: Mapping[str, str] | Sequence[str],
    shm_size: str | int,
    memory_swap: str | int,
    memory_reservation: str | int,
    memory_swappiness: int,
    oom_kill_disable: bool,
    cpu_period: int,
    cpu_quota: int,
    cpu_rt_period: int,
    cpu_rt_runtime: int,
    cpuset_cpus: str,
    cpuset_mems: str,
    blkio_weight: int,
    blkio_weight_devices: Mapping[str, int] | Sequence[str],
    device_read_bps: Mapping[str, str | int] | Sequence[str],
    device_write_bps: Mapping[str, str | int] | Sequence[str],
    device_read_iops: Mapping[str, int] | Sequence[str],
    device_write_iops: Mapping[str, int] | Sequence[str],
    device_cgroup_rules: Sequence[str],
    oom_score_adj: int,
    log_driver: str,
    log_opts: Mapping[str, str | int] | Sequence[str],
    network: str,
    pid_mode: str,
    ipc_mode: str,
    uts_mode: str,
    cgroupns: str,
    userns_mode: str,
    domainname: str,
    extra_hosts: Mapping[str, str] | Sequence[str],
    dns: Sequence[str],
    dns_opt: Sequence[str],
    dns_search: Sequence[str],
    stop_signal: str,
    restart: str,
    health_cmd: str,
    health_interval: str | float,
    health_timeout: str | float,
    health_retries: int,
    health_start_period: str | float,
    health_start_interval: str | float,
    no_healthcheck: bool,
    exposed_ports: Sequence[str | int],
    gpus: str | int,
    runtime: str,
    isolation: str,
    platform: str,
    cgroup_parent: str,
    storage_opts: Mapping[str, str] | Sequence[str],
) -> RunRequest:
    """The request.  Raises InputError for what is not well-formed."""
    words = command.split() if isinstance(command, str) else command
    return RunRequest(
        image=image,
        command=tuple(words or ()),
        name=name,
        remove=remove,
        entrypoint=None if entrypoint is None else tuple(entrypoint),
        env=pairs(env),
        workdir=workdir,
        user=user,
        hostname=hostname,
        labels=pairs(labels),
        interactive=interactive,
        init=init,
        read_only=read_only,
        memory=size(memory),
        cpus=float(cpus),
        cpu_shares=cpu_shares,
        pids_limit=pids_limit,
        **_mounted(volumes, mounts, tmpfs),
        volumes_from=tuple(volumes_from),
        ulimits=tuple(Ulimit(kind, value, value) for kind, value in (ulimits or {}).items()),
        cap_add=tuple(cap_add),
        cap_drop=tuple(cap_drop),
        security_opts=_security(security_opt),
        privileged=privileged,
        devices=tuple(devices),
        sysctls=pairs(sysctls),
        group_add=tuple(map(str, group_add)),
        annotations=pairs(annotations),
        shm_size=size(shm_size),
        memory_swap=size(memory_swap),
        memory_reservation=size(memory_reservation),
        memory_swappiness=memory_swappiness,
        oom_kill_disable=oom_kill_disable,
        cpu_period=cpu_period,
        cpu_quota=cpu_quota,
        cpu_rt_period=cpu_rt_period,
        cpu_rt_runtime=cpu_rt_runtime,
        cpuset_cpus=cpuset_cpus,
        cpuset_mems=cpuset_mems,
        blkio_weight=blkio_weight,
        blkio_weight_devices=pairs(blkio_weight_devices, ":"),
        device_read_bps=pairs(device_read_bps, ":"),
        device_write_bps=pairs(device_write_bps, ":"),
        device_read_iops=pairs(device_read_iops, ":"),
        device_write_iops=pairs(device_write_iops, ":"),
        device_cgroup_rules=tuple(device_cgroup_rules),
        oom_score_adj=oom_score_adj,
        log_driver=log_driver,
        log_opts=pairs(log_opts),
        network=network,
        pid_mode=pid_mode,
        ipc_mode=ipc_mode,
        uts_mode=uts_mode,
        cgroupns=cgroupns,
        userns_mode=userns_mode,
        domainname=domainname,
        extra_hosts=pairs(extra_hosts, ":"),
        dns=tuple(dns),
        dns_opt=tuple(dns_opt),
        dns_search=tuple(dns_search),
        stop_signal=stop_signal,
        restart=restart,
        health_cmd=health_cmd,
        health_interval=seconds(health_interval),
        health_timeout=seconds(health_timeout),
        health_retries=health_retries,
        health_start_period=seconds(health_start_period),
        health_start_interval=seconds(health_start_interval),
        no_healthcheck=no_healthcheck,
        exposed_ports=_exposed(exposed_ports) if exposed_ports else (),
        gpus=(str(gpus),) if gpus else (),
        runtime=runtime,
        isolation=isolation,
        platform=platform,
        cgroup_parent=cgroup_parent,
        storage_opts=pairs(storage_opts),
    )


def request_like(
    run: Callable[..., Any], image: str, command: Sequence[str] | str | None, options: Mapping[str, Any]
) -> RunRequest:
    """The request that `run` (Engine.run) would make of these keywords.  Raises TypeError for one that it lacks."""
    from inspect import signature

    bound = signature(run).bind(image, command, **options)
    bound.apply_defaults()
    values = dict(bound.arguments)
    interactive = values.pop("stdin") is not None
    for only_of_the_run in ("detach", "output_limit", "pull"):
        values.pop(only_of_the_run)
    return friendly_request(values.pop("image"), values.pop("command"), interactive=interactive, **values)


def _security(options: Sequence[str]) -> tuple[str, ...]:
    if not options:
        return ()
    from ipycontainer.engine.security_options import read_files

    return read_files(options, working_folder())


def _exposed(items: Sequence[str | int]) -> tuple[str, ...]:
    from ipycontainer.engine.exposed_ports import ports

    try:
        return tuple(port for item in items for port in ports(str(item)))
    except ValueError as error:
        raise InputError(str(error)) from None


def pairs(values: Mapping[str, Any] | Sequence[str], between: str = "=") -> tuple[str, ...]:
    """A mapping as NAME=VALUE items; items as they are."""
    if hasattr(values, "items"):
        return tuple(f"{name}{between}{value}" for name, value in values.items())
    return tuple(values)


def size(value: str | int) -> int:
    """Bytes from a number or docker's `64m`.  Raises InputError."""
    if isinstance(value, int):
        return value
    try:
        return size_bytes(value)
    except ValueError as error:
        raise InputError(f"{error}; write bytes, or 64k, 64m, 1.5g") from None


def seconds(value: str | float) -> float:
    """Seconds from a number or docker's `1m30s`.  Raises InputError."""
    if isinstance(value, (int, float)):
        return float(value)
    from ipycontainer.engine.durations import duration_seconds

    try:
        return duration_seconds(value)
    except ValueError as error:
        raise InputError(f"{error}; write seconds, or 500ms, 30s, 1m30s") from None


def _mounted(volumes: Mapping[str, str] | Sequence[str], mounts: Sequence[str], tmpfs: Sequence[str]) -> dict[str, Any]:
    """The request's binds, volumes, tmpfs and images; a relative source is the caller's."""
    asked: list[Any] = [Tmpfs(*_tmpfs(item)) for item in tmpfs]
    if volumes or mounts:
        from ipycontainer.engine.mount_words import friendly_mount, friendly_volume

        if hasattr(volumes, "items"):
            volumes = [f"{source}:{target}" for source, target in volumes.items()]
        asked += [friendly_volume(item) for item in volumes]
        asked += [friendly_mount(item) for item in mounts]
    kinds = {"binds": Bind, "volumes": VolumeMount, "tmpfs": Tmpfs, "images": ImageMount}
    return {name: tuple(item for item in asked if isinstance(item, kind)) for name, kind in kinds.items()}


def _tmpfs(item: str) -> tuple[str, tuple[str, ...]]:
    target, _, options = item.partition(":")
    return target, tuple(part for part in options.split(",") if part)
