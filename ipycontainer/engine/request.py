"""What may be asked for a container: docker's options as one record."""

from __future__ import annotations

from ipycontainer.record import Record


class Bind(Record):
    """-v SOURCE:TARGET[:ro].  create: make a missing source folder, as -v does and --mount does not."""

    source: str
    target: str
    read_only: bool = False
    create: bool = True


class Tmpfs(Record):
    """--tmpfs TARGET[:options]."""

    target: str
    options: tuple[str, ...] = ()


class Ulimit(Record):
    """--ulimit NAME=SOFT[:HARD]; -1 is unlimited."""

    name: str
    soft: int
    hard: int


class RunRequest(Record):
    """All that create and run can be asked for.  Empty and 0 mean "not given"; memory is in bytes.

    memory_swap: memory and swap together, -1 for any amount of swap; security_opts: docker's words, a seccomp
    profile as its text (security_options.read_files).
    """

    image: str
    command: tuple[str, ...] = ()
    name: str = ""
    entrypoint: tuple[str, ...] | None = None
    env: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""
    hostname: str = ""
    labels: tuple[str, ...] = ()
    interactive: bool = False
    tty: bool = False
    remove: bool = False
    init: bool = False
    read_only: bool = False
    memory: int = 0
    cpus: float = 0.0
    cpu_shares: int = 0
    pids_limit: int = 0
    binds: tuple[Bind, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opts: tuple[str, ...] = ()
    privileged: bool = False
    devices: tuple[str, ...] = ()
    sysctls: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    shm_size: int = 0
    memory_swap: int = 0
    memory_reservation: int = 0
    oom_score_adj: int = 0
    network: str = "none"
    stop_signal: str = ""
    stop_timeout: int = 10
