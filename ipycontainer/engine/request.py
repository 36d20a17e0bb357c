"""What may be asked for a container: docker's options as one record."""

from __future__ import annotations

from ipycontainer.record import Record


class Bind(Record):
    """-v SOURCE:TARGET[:MODE].  create: make a missing source folder, as -v does and --mount does not.

    mode: docker's word for it where it says more than ro; propagation: "", "rslave", …; recursive: with what is
    mounted below the source; origin: "" (-v), "mount" (--mount) or "from" (--volumes-from).
    """

    source: str
    target: str
    read_only: bool = False
    create: bool = True
    mode: str = ""
    propagation: str = ""
    recursive: bool = True
    origin: str = ""


class VolumeMount(Record):
    """-v [NAME:]TARGET[:MODE]; without a name a new one.  copy: what the image has there goes into an empty volume.

    labels, options: of a volume that is made for it; origin: as for Bind, or "image" (its VOLUME);
    anonymous: nobody named it, and it goes with the container that is removed with -v or --rm.
    """

    name: str
    target: str
    read_only: bool = False
    copy: bool = True
    mode: str = ""
    labels: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    origin: str = ""
    anonymous: bool = False


class ImageMount(Record):
    """--mount type=image: the files of another image, read-only.  id, lowers: that image's, once it is found."""

    image: str
    target: str
    id: str = ""
    lowers: tuple[str, ...] = ()


class Tmpfs(Record):
    """--tmpfs TARGET[:options]; origin: "mount" for --mount type=tmpfs."""

    target: str
    options: tuple[str, ...] = ()
    origin: str = ""


class Ulimit(Record):
    """--ulimit NAME=SOFT[:HARD]; -1 is unlimited."""

    name: str
    soft: int
    hard: int


class RunRequest(Record):
    """All that create and run can be asked for.  Empty and 0 mean "not given"; memory is in bytes.

    memory_swap: memory and swap together, -1 for any amount of swap; attach: the streams that whoever starts it
    stays with, none for one that is left running at once; security_opts: docker's words, a seccomp
    profile as its text (security_options.read_files); memory_swappiness: 0 to 100, -1 for not given; cpu_period,
    cpu_quota, cpu_rt_period, cpu_rt_runtime: microseconds; network, pid_mode, ipc_mode and its kin: docker's words
    ("host", "container:NAME");
    extra_hosts: "NAME:ADDRESS"; blkio_weight_devices, device_read_bps and its kin: "PATH:NUMBER";
    exposed_ports: "80/tcp", …; gpus: docker's words for them, each "all", "2" or "device=0"; storage_opts: NAME=VALUE;
    cidfile: where whoever made it keeps its id, in his words;
    cgroup_parent: "/group" from the top, "group" below our own;
    health_cmd: for /bin/sh; health_interval and its kin: seconds, 0 for docker's default or the image's;
    restart: "no", "always", "unless-stopped", "on-failure" or "on-failure:TIMES".
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
    attach: tuple[str, ...] = ("stdout", "stderr")
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
    volumes: tuple[VolumeMount, ...] = ()
    images: tuple[ImageMount, ...] = ()
    volumes_from: tuple[str, ...] = ()
    volume_driver: str = ""
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
    memory_swappiness: int = -1
    oom_kill_disable: bool = False
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_rt_period: int = 0
    cpu_rt_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    blkio_weight: int = 0
    blkio_weight_devices: tuple[str, ...] = ()
    device_read_bps: tuple[str, ...] = ()
    device_write_bps: tuple[str, ...] = ()
    device_read_iops: tuple[str, ...] = ()
    device_write_iops: tuple[str, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    oom_score_adj: int = 0
    network: str = "none"
    pid_mode: str = ""
    ipc_mode: str = ""
    uts_mode: str = ""
    cgroupns: str = ""
    userns_mode: str = ""
    domainname: str = ""
    extra_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    log_driver: str = ""
    log_opts: tuple[str, ...] = ()
    stop_signal: str = ""
    stop_timeout: int | None = None
    restart: str = "no"
    health_cmd: str = ""
    health_interval: float = 0.0
    health_timeout: float = 0.0
    health_retries: int = 0
    health_start_period: float = 0.0
    health_start_interval: float = 0.0
    no_healthcheck: bool = False
    exposed_ports: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    runtime: str = ""
    isolation: str = ""
    platform: str = ""
    cgroup_parent: str = ""
    cidfile: str = ""
    storage_opts: tuple[str, ...] = ()
    ip: str = ""
    ip6: str = ""
    link_local_ips: tuple[str, ...] = ()

    def asks_for_health(self) -> bool:
        """Whether it says anything of a health check."""
        times = self.health_interval or self.health_timeout or self.health_start_period or self.health_start_interval
        return bool(self.health_cmd or times or self.health_retries or self.no_healthcheck)

    def asks_the_machine(self) -> bool:
        """Whether it asks for anything that docker leaves to its daemon's machine."""
        return bool(self.gpus or self.runtime or self.isolation or self.storage_opts or self.cgroup_parent)

    def shares(self) -> bool:
        """Whether any of its namespaces is not just its own, or it wants other names than the usual ones in them."""
        modes = self.pid_mode or self.ipc_mode or self.uts_mode or self.cgroupns or self.userns_mode
        return bool(modes or self.domainname or self.network.startswith("container:"))

    def names_hosts(self) -> bool:
        """Whether it asks for names and addresses in its /etc/hosts and /etc/resolv.conf."""
        return bool(self.extra_hosts or self.dns or self.dns_opt or self.dns_search)

    def asks_for_limits(self) -> bool:
        """Whether it asks for anything that a control group keeps."""
        usual = self.memory or self.cpus or self.cpu_shares or self.pids_limit or self.memory_swap
        rare = self.memory_reservation or self.oom_kill_disable or self.memory_swappiness != -1
        cpu = self.cpu_period or self.cpu_quota or self.cpuset_cpus or self.cpuset_mems
        cpu = cpu or self.cpu_rt_period or self.cpu_rt_runtime
        rates = self.device_read_bps or self.device_write_bps or self.device_read_iops or self.device_write_iops
        return bool(usual or rare or cpu or rates or self.blkio_weight or self.blkio_weight_devices)
