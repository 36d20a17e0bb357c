"""Engine.run's keywords, in the forms that people write, as a RunRequest."""

from __future__ import annotations

import os

from ipycontainer.engine import kinds
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
    entrypoint: Sequence[str] | str | None,
    env: Mapping[str, str | int | None] | Sequence[str],
    workdir: str,
    user: str | int,
    hostname: str,
    labels: Mapping[str, str] | Sequence[str],
    interactive: bool,
    init: bool,
    read_only: bool,
    memory: str | float,
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
    group_add: Sequence[str | int],
    annotations: Mapping[str, str] | Sequence[str],
    shm_size: str | float,
    memory_swap: str | float,
    memory_reservation: str | float,
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
    stop_signal: str | int,
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
    """The request.  None means "not given".  Raises InputError for what is not well-formed."""
    request = RunRequest(
        image=image,
        command=kinds.words(command, "command"),
        name=name,
        remove=remove,
        entrypoint=None if entrypoint is None else kinds.words(entrypoint, "entrypoint"),
        env=kinds.pairs(env, "env"),
        workdir=workdir,
        user=str(user) if isinstance(user, int) else user,
        hostname=hostname,
        labels=kinds.pairs(labels, "labels"),
        interactive=interactive,
        init=init,
        read_only=read_only,
        memory=size(memory, "memory"),
        cpus=kinds.number(cpus, "cpus"),
        cpu_shares=cpu_shares,
        pids_limit=pids_limit,
        **_mounted(volumes, mounts, tmpfs),
        volumes_from=kinds.items(volumes_from, "volumes_from"),
        ulimits=_ulimits(ulimits),
        cap_add=kinds.items(cap_add, "cap_add"),
        cap_drop=kinds.items(cap_drop, "cap_drop"),
        security_opts=_security(kinds.items(security_opt, "security_opt")),
        privileged=privileged,
        devices=kinds.items(devices, "devices"),
        sysctls=kinds.pairs(sysctls, "sysctls"),
        group_add=kinds.items(_as_text(group_add), "group_add"),
        annotations=kinds.pairs(annotations, "annotations"),
        shm_size=size(shm_size, "shm_size"),
        memory_swap=size(memory_swap, "memory_swap"),
        memory_reservation=size(memory_reservation, "memory_reservation"),
        memory_swappiness=memory_swappiness,
        oom_kill_disable=oom_kill_disable,
        cpu_period=cpu_period,
        cpu_quota=cpu_quota,
        cpu_rt_period=cpu_rt_period,
        cpu_rt_runtime=cpu_rt_runtime,
        cpuset_cpus=cpuset_cpus,
        cpuset_mems=cpuset_mems,
        blkio_weight=blkio_weight,
        blkio_weight_devices=kinds.pairs(blkio_weight_devices, "blkio_weight_devices", ":"),
        device_read_bps=kinds.pairs(device_read_bps, "device_read_bps", ":"),
        device_write_bps=kinds.pairs(device_write_bps, "device_write_bps", ":"),
        device_read_iops=kinds.pairs(device_read_iops, "device_read_iops", ":"),
        device_write_iops=kinds.pairs(device_write_iops, "device_write_iops", ":"),
        device_cgroup_rules=kinds.items(device_cgroup_rules, "device_cgroup_rules"),
        oom_score_adj=oom_score_adj,
        log_driver=log_driver,
        log_opts=kinds.pairs(log_opts, "log_opts"),
        network=network,
        pid_mode=pid_mode,
        ipc_mode=ipc_mode,
        uts_mode=uts_mode,
        cgroupns=cgroupns,
        userns_mode=userns_mode,
        domainname=domainname,
        extra_hosts=kinds.pairs(extra_hosts, "extra_hosts", ":"),
        dns=kinds.items(dns, "dns"),
        dns_opt=kinds.items(dns_opt, "dns_opt"),
        dns_search=kinds.items(dns_search, "dns_search"),
        stop_signal=str(stop_signal) if isinstance(stop_signal, int) else stop_signal,
        restart=restart,
        health_cmd=health_cmd,
        health_interval=seconds(health_interval, "health_interval"),
        health_timeout=seconds(health_timeout, "health_timeout"),
        health_retries=health_retries,
        health_start_period=seconds(health_start_period, "health_start_period"),
        health_start_interval=seconds(health_start_interval, "health_start_interval"),
        no_healthcheck=no_healthcheck,
        exposed_ports=_exposed(exposed_ports) if exposed_ports else (),
        gpus=(str(gpus),) if gpus else (),
        runtime=runtime,
        isolation=isolation,
        platform=platform,
        cgroup_parent=cgroup_parent,
        storage_opts=kinds.pairs(storage_opts, "storage_opts"),
    )
    return _checked(request)


def _checked(request: RunRequest) -> RunRequest:
    """The request, if each field is of the kind that RunRequest says.  Raises InputError."""
    changed: dict[str, Any] = {}
    for name, kind in RunRequest.__annotations__.items():
        value = getattr(request, name)
        if value is None and kind in ("str", "int", "bool") and name != "image":
            changed[name] = RunRequest._defaults[name]
        elif kind == "str":
            changed[name] = kinds.text(value, name)
        elif kind == "int":
            changed[name] = kinds.whole(value, name)
        elif kind == "bool" and not isinstance(value, int):
            raise kinds.refusal(value, name, "True or False")
    return request.replace(**changed)


def _ulimits(limits: Mapping[str, int] | None) -> tuple[Ulimit, ...]:
    if limits and not hasattr(limits, "items"):
        raise kinds.refusal(limits, "ulimits", 'a mapping such as {"nofile": 1024}')
    found = []
    for name, value in (limits or {}).items():
        if value is None:
            raise kinds.refusal(value, f"ulimits: {name}", "a whole number")
        limit = kinds.whole(value, f"ulimits: {name}")
        found.append(Ulimit(kinds.text(name, "the name of a limit"), limit, limit))
    return tuple(found)


def _as_text(values: Any) -> Any:
    """Numbers of groups or ports as text."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        return values
    return [str(value) if isinstance(value, int) else value for value in values]


def request_like(
    run: Callable[..., Any], image: str, command: Sequence[str] | str | None, options: Mapping[str, Any]
) -> RunRequest:
    """The request that `run` (Engine.run) would make of these keywords.  Raises TypeError for one that it lacks."""
    from inspect import signature

    bound = signature(run).bind(image, command, **options)
    bound.apply_defaults()
    values = dict(bound.arguments)
    interactive = values.pop("stdin") is not None
    for only_of_the_run in ("detach", "output_limit", "timeout", "pull"):
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
        return tuple(port for item in kinds.items(_as_text(items), "exposed_ports") for port in ports(item))
    except ValueError as error:
        raise InputError(str(error)) from None


def size(value: str | float, what: str) -> int:
    """Bytes from a number or docker's `64m`.  Raises InputError."""
    try:
        if isinstance(value, float):
            return int(value)
        return size_bytes(value) if isinstance(value, str) else kinds.whole(value, what)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{error}; write bytes, or 64k, 64m, 1.5g") from None


def seconds(value: str | float, what: str) -> float:
    """Seconds from a number or docker's `1m30s`.  Raises InputError."""
    if not isinstance(value, str):
        return kinds.number(value, what)
    from ipycontainer.engine.durations import duration_seconds

    try:
        return duration_seconds(value)
    except ValueError as error:
        raise InputError(f"{error}; write seconds, or 500ms, 30s, 1m30s") from None


def _mounted(volumes: Mapping[str, str] | Sequence[str], mounts: Sequence[str], tmpfs: Sequence[str]) -> dict[str, Any]:
    """The request's binds, volumes, tmpfs and images; a relative source is the caller's."""
    asked: list[Any] = [Tmpfs(*_tmpfs(item)) for item in kinds.items(tmpfs, "tmpfs")]
    if volumes or mounts:
        from ipycontainer.engine.mount_words import friendly_mount, friendly_volume

        if hasattr(volumes, "items"):
            volumes = {_source(source): target for source, target in volumes.items()}
        asked += [friendly_volume(item) for item in kinds.pairs(volumes, "volumes", ":")]
        asked += [friendly_mount(item) for item in kinds.items(mounts, "mounts")]
    records = {"binds": Bind, "volumes": VolumeMount, "tmpfs": Tmpfs, "images": ImageMount}
    return {name: tuple(item for item in asked if isinstance(item, kind)) for name, kind in records.items()}


def _source(source: object) -> str:
    """A path is a folder's, never a volume's name: Path("./data") has lost what would say so."""
    shown = str(source)
    return f"./{shown}" if isinstance(source, os.PathLike) and shown[:1] not in ("/", ".", "~") else shown


def _tmpfs(item: str) -> tuple[str, tuple[str, ...]]:
    target, _, options = item.partition(":")
    return target, tuple(part for part in options.split(",") if part)
