"""`run` and `create`: a container from an image."""

from __future__ import annotations

import os

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import Error, OptionError, WrongArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.commands import Call
    from ipycontainer.commands.options import Parsed
    from ipycontainer.engine.container import Container
    from ipycontainer.engine.request import RunRequest

_CREATE_OPTIONS = (
    Option("add-host", "", "host", "Add a name to its /etc/hosts, NAME:ADDRESS", many=True),
    Option("annotation", "", "label", "Add an annotation to its runtime spec, NAME=VALUE", many=True),
    Option("attach", "a", "stream", "Show or give STDIN, STDOUT or STDERR alone", many=True),
    Option("blkio-weight", "", "int", "Share of the disks, 10 to 1000"),
    Option("blkio-weight-device", "", "text", "The same for one disk, /dev/DISK:WEIGHT", many=True),
    Option("cap-add", "", "text", "Add a capability", many=True),
    Option("cap-drop", "", "text", "Drop a capability (ALL drops every one)", many=True),
    Option("cgroup-parent", "", "text", "Control group that its own lies in, /group (from the top) or group"),
    Option("cgroupns", "", "text", "Its view of control groups: private (the default) or host"),
    Option("cidfile", "", "text", "Write its id into this file, which may not be there yet"),
    Option("cpu-period", "", "int", "Length of the period of --cpu-quota, in microseconds (100000)"),
    Option("cpu-quota", "", "int", "Time on the CPUs in each period, in microseconds"),
    Option("cpu-rt-period", "", "int", "Length of the period of --cpu-rt-runtime, in microseconds"),
    Option("cpu-rt-runtime", "", "int", "Time of its real-time processes in each period, in microseconds"),
    Option("cpu-shares", "c", "int", "Weight against other containers when CPUs are scarce (1024 is usual)"),
    Option("cpus", "", "decimal", "Number of CPUs, such as 0.5"),
    Option("cpuset-cpus", "", "text", "CPUs that it may use, such as 0-2,5"),
    Option("cpuset-mems", "", "text", "NUMA nodes whose memory it may use, such as 0,1"),
    Option("device", "", "text", "Give it a device of the host, HOST[:CONTAINER[:rwm]]", many=True),
    Option("device-cgroup-rule", "", "text", "Allow a kind of device, such as 'c 13:* rwm'", many=True),
    Option("device-read-bps", "", "text", "Limit reading from a disk, /dev/DISK:1mb (each second)", many=True),
    Option("device-read-iops", "", "text", "The same in operations, /dev/DISK:1000", many=True),
    Option("device-write-bps", "", "text", "Limit writing to a disk, /dev/DISK:1mb (each second)", many=True),
    Option("device-write-iops", "", "text", "The same in operations, /dev/DISK:1000", many=True),
    Option("dns", "", "address", "Name server of its /etc/resolv.conf", many=True),
    Option("dns-opt", "", "text", "The same as --dns-option", many=True, hidden=True),
    Option("dns-option", "", "text", "Option of its resolver, such as ndots:2", many=True),
    Option("dns-search", "", "text", "Domain in which it looks for names", many=True),
    Option("domainname", "", "text", "Domain name inside"),
    Option("entrypoint", "", "text", "Program to start in place of the image's own"),
    Option("env", "e", "variable", "Set an environment variable, NAME=VALUE (NAME alone: as outside)", many=True),
    Option("env-file", "", "text", "Read environment variables from a file", many=True),
    Option("explain", "", "flag", "Show the plan, step by step and why; start nothing"),
    Option("expose", "", "exposed", "Note a port at which it listens, 80, 80-82 or 80/udp (inspect tells)", many=True),
    Option("gpus", "", "gpus", "Ask for GPUs, as docker does: it is made, and refused when it starts", many=True),
    Option("group-add", "", "text", "One more group of its user, by name or number", many=True),
    Option("health-cmd", "", "text", "Shell command in it that tells whether it is well"),
    Option("health-interval", "", "duration", "Time between two of them (30s)"),
    Option("health-retries", "", "int", "Failures in a row that make it unhealthy (3)"),
    Option("health-start-interval", "", "duration", "The same in the start period (5s)"),
    Option("health-start-period", "", "duration", "How long its failures do not count after a start (0s)"),
    Option("health-timeout", "", "duration", "How long one may take (30s)"),
    Option("hostname", "h", "text", "Host name inside"),
    Option("init", "", "flag", "Put a small init in front, which forwards signals and reaps processes"),
    Option("interactive", "i", "flag", "Keep stdin open"),
    Option("ipc", "", "text", "Shared memory: private, shareable, none, host or container:NAME"),
    Option("isolation", "", "text", "default, which is the only one on linux"),
    Option("label", "l", "label", "Attach a label, NAME=VALUE", many=True),
    Option("label-file", "", "text", "Read labels from a file, a line each", many=True),
    Option("log-driver", "", "text", "Where its output is kept: json-file, local (both: here) or none"),
    Option("log-opt", "", "text", "How much of it: max-size=10m, max-file=3; and tag=…, labels=…, env=…", many=True),
    Option("memory", "m", "bytes", "Limit memory, such as 64m"),
    Option("memory-reservation", "", "bytes", "Memory that is taken back last when the machine is short of it"),
    Option("memory-swap", "", "swap", "Limit memory and swap together (-1: any amount of swap)"),
    Option("memory-swappiness", "", "int", "How soon its memory goes into swap, 0 to 100"),
    Option("mount", "", "mount", "Mount something: type=bind|volume|tmpfs|image,source=…,target=/path", many=True),
    Option("name", "", "text", "Name of the container"),
    Option("network", "", "text", "none (its own, with lo alone), host, or container:NAME", many=True),
    Option("net", "", "text", "The same as --network", many=True, hidden=True),
    Option("no-healthcheck", "", "flag", "No health check, whatever the image says"),
    Option("oom-kill-disable", "", "flag", "Over its memory limit it waits, and nothing of it is killed"),
    Option("oom-score-adj", "", "int", "How soon it is ended when memory runs out, -1000 to 1000"),
    Option("pid", "", "text", "Its processes: host, or container:NAME for another one's"),
    Option("pids-limit", "", "int", "Limit the number of processes (-1: no limit)"),
    Option("platform", "", "text", "The image's platform, such as linux/arm64 (this machine's)"),
    Option("pull", "", "text", "When the image is pulled: always, missing (the default) or never"),
    Option("quiet", "q", "flag", "Do not show the pull's progress"),
    Option("privileged", "", "flag", "Everything this machine allows: capabilities, devices, nothing masked"),
    Option("read-only", "", "flag", "Make the root file system read-only"),
    Option("restart", "", "text", "When it starts again: no, on-failure[:n], always or unless-stopped"),
    Option("rm", "", "flag", "Remove the container when it has ended"),
    Option("runtime", "", "text", "runc, which means ipycontainer itself: it is its own runtime"),
    Option(
        "security-opt", "", "text", "seccomp=FILE|unconfined, systempaths=unconfined, apparmor=PROFILE, …", many=True
    ),
    Option("shm-size", "", "bytes", "Size of /dev/shm (64m)"),
    Option("stop-signal", "", "text", "Signal that stop sends first"),
    Option("stop-timeout", "", "int", "Seconds from that signal to KILL"),
    Option("storage-opt", "", "storage", "size=10g, which no store of ours can keep: it is refused", many=True),
    Option("sysctl", "", "text", "Kernel setting of its own namespaces, such as net.ipv4.ip_forward=1", many=True),
    Option("tmpfs", "", "tmpfs", "Mount a tmpfs, such as /run:size=64m", many=True),
    Option("tty", "t", "flag", "Give the container a terminal of its own"),
    Option("ulimit", "", "ulimit", "Limit a resource, such as nofile=1024:2048", many=True),
    Option("user", "u", "text", "User inside: name or uid, [:group or gid]"),
    Option("userns", "", "text", "User namespace: host"),
    Option("uts", "", "text", "Host name: host, for the host's own"),
    Option("volume", "v", "text", "A volume or a folder, [NAME:|DIR:]TARGET[:ro]; ./ is where you are", many=True),
    Option("volume-driver", "", "text", "local, which is the only one"),
    Option("volumes-from", "", "text", "The volumes and folders of another container, NAME[:ro]", many=True),
    Option("workdir", "w", "text", "Working directory inside"),
)


def create(call: Call) -> int:
    """Makes the container and prints its id; `start` starts it."""
    asked = request(call.parsed, call.cwd)
    if call.parsed.flag("explain"):
        return _explain(call, asked)
    _say_what_is_withheld(asked, call)
    container = create_or_pull(call, asked)
    call.console.line(container.id)
    return 0


def create_or_pull(call: Call, asked: RunRequest, starts: bool = False) -> Container:
    """The container; its id is in the file of --cidfile, which is not there if it could not be made."""
    path = call.parsed.text("cidfile")
    if not path:
        return _create_or_pull(call, asked, starts)
    from ipycontainer.commands.id_file import IdFile

    with IdFile(os.path.join(call.cwd, path)) as file:
        container = _create_or_pull(call, asked, starts)
        file.write(container.id)
    return container


def _create_or_pull(call: Call, asked: RunRequest, starts: bool) -> Container:
    """The container; its image is pulled first where it is not here, with docker's words."""
    policy = call.parsed.text("pull") or "missing"
    if policy not in ("always", "missing", "never"):
        raise OptionError(f"invalid pull option: '{policy}': must be one of always, missing or never")
    from ipycontainer.engine.creation import create_or_pull as make

    def fetch(absent: str) -> None:
        from ipycontainer.commands.registries import show_pull

        quiet = call.parsed.flag("quiet")
        if absent and not quiet:
            call.console.complain(absent)
        show_pull(call, asked.image, quiet, aside=True)

    container = make(call.engine, asked, policy, fetch, starts)
    if "platform" in container.config and not asked.platform:
        from ipycontainer.engine.platforms import warning

        call.console.complain(warning(container.config["platform"]))
    return container


def run(call: Call) -> int:
    """Makes the container, starts it, and stays with it until it ends (unless -d)."""
    parsed, console = call.parsed, call.console
    detached = parsed.flag("detach")
    if detached and parsed.given("attach"):
        raise WrongArguments("Conflicting options: -a and -d")
    asked = request(parsed, call.cwd)
    if parsed.flag("explain"):
        return _explain(call, asked)
    terminal = None
    if asked.tty and not detached:
        # A terminal that is not there is found out before anything is made.
        terminal = console.terminal(asked.interactive)
    if not detached:
        from ipycontainer.commands.streaming import Manner, follow

        manner = Manner.of(parsed, streams=asked.attach)
    _say_what_is_withheld(asked, call)
    container = create_or_pull(call, asked, starts=True)
    try:
        if detached:
            container.start()
            console.line(container.id)
            return 0
        size = terminal.size() if terminal else None
        attachment = container.start(attach=True, stdin=asked.interactive, size=size)
        assert attachment is not None
    except (Error, KeyboardInterrupt):
        # docker leaves a container behind that never ran; nobody has wanted it yet.
        _discard(container)
        raise
    if not {"stdout", "stderr"} & {*asked.attach}:
        from ipycontainer.commands.streaming import feed

        feed(attachment, console if asked.interactive else None)
        console.line(container.id)
        return 0
    return follow(attachment, console, stdin=asked.interactive, terminal=terminal, kill=container.kill, manner=manner)


def _explain(call: Call, asked: RunRequest) -> int:
    from ipycontainer.engine.explanation import explain

    call.console.explanation(explain(call.engine, asked))
    return 0


def _say_what_is_withheld(asked: RunRequest, call: Call) -> None:
    if asked.privileged and os.geteuid():
        from ipycontainer.engine.confinement import PRIVILEGED_USER

        call.console.complain(PRIVILEGED_USER)
    if not _OF_OWN_NETWORKS.isdisjoint(call.parsed.values):
        from ipycontainer.commands.own_networks import forgotten

        for warning in forgotten(call.parsed, asked.network):
            call.console.complain(warning)


def _discard(container: Container) -> None:
    try:
        container.remove(force=True)
    except Error:
        pass  # `--rm` has done it, or it cannot be done: what made the start fail is what is told


# Options whose value is the field of their name, as it is.
_PLAIN = frozenset(
    (
        "name workdir user hostname interactive tty init read-only memory cpus cpu-shares pids-limit volume-driver "
        "privileged shm-size memory-swap memory-reservation memory-swappiness oom-kill-disable cpu-period "
        "cpu-quota cpu-rt-period cpu-rt-runtime cpuset-cpus cpuset-mems blkio-weight oom-score-adj cgroupns "
        "domainname log-driver stop-signal stop-timeout runtime isolation platform cgroup-parent cidfile"
    ).split()
)

# Fields that are all values of an option, as they are.
_REPEATED = dict(
    pair.split("=")
    for pair in (
        "volumes_from=volumes-from ulimits=ulimit cap_add=cap-add cap_drop=cap-drop devices=device sysctls=sysctl "
        "group_add=group-add annotations=annotation blkio_weight_devices=blkio-weight-device "
        "device_read_bps=device-read-bps device_write_bps=device-write-bps device_read_iops=device-read-iops "
        "device_write_iops=device-write-iops device_cgroup_rules=device-cgroup-rule extra_hosts=add-host dns=dns "
        "dns_search=dns-search log_opts=log-opt gpus=gpus storage_opts=storage-opt"
    ).split()
)

_OF_OWN_NETWORKS = frozenset(("ip", "ip6", "link-local-ip", "network-alias", "net-alias"))


def request(parsed: Parsed, cwd: str) -> RunRequest:
    """What the options of `run` and `create` ask for."""
    from ipycontainer.engine.request import RunRequest

    entrypoint = parsed.text("entrypoint")
    return RunRequest(
        image=_image(parsed.arguments[0]),
        command=tuple(parsed.arguments[1:]),
        entrypoint=((entrypoint,) if entrypoint else ()) if parsed.given("entrypoint") else None,
        env=environment(parsed, cwd),
        labels=_labels(parsed, cwd),
        attach=() if parsed.flag("detach") else tuple(parsed.many("attach")) or ("stdout", "stderr"),
        remove=parsed.flag("rm"),
        **_mounts(parsed, cwd),
        **_plain(parsed),
        **_repeated(parsed),
        security_opts=_security_options(parsed, cwd),
        **_network(parsed),
        pid_mode=parsed.text("pid"),
        ipc_mode=parsed.text("ipc"),
        uts_mode=parsed.text("uts"),
        userns_mode=parsed.text("userns"),
        dns_opt=(*parsed.many("dns-opt"), *parsed.many("dns-option")),
        restart=_restart(parsed),
        exposed_ports=tuple(port for ports in parsed.many("expose") for port in ports),
        **_health(parsed),
    )


def _plain(parsed: Parsed) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in parsed.values.items() if name in _PLAIN}


def _repeated(parsed: Parsed) -> dict[str, Any]:
    if parsed.given("log-opt"):
        from ipycontainer.commands.log_tag import check

        check(parsed.many("log-opt"))
    return {field: tuple(parsed.many(name)) for field, name in _REPEATED.items()}


def _network(parsed: Parsed) -> dict[str, Any]:
    modes = [*parsed.many("network"), *parsed.many("net")]
    if _OF_OWN_NETWORKS.isdisjoint(parsed.values) and len(modes) < 2 and "" not in modes:
        return {"network": modes[0] if modes else ""}
    from ipycontainer.commands.own_networks import network

    return network(parsed, modes)


def _health(parsed: Parsed) -> dict[str, Any]:
    if not any(name.startswith("health-") or name == "no-healthcheck" for name in parsed.values):
        return {}
    from ipycontainer.engine.health import checked_words

    words = ("health-interval", "health-timeout", "health-start-period", "health-start-interval")
    fields = {word.replace("-", "_"): float(parsed.values.get(word, 0)) for word in words}
    fields["health_retries"] = parsed.number("health-retries")
    return checked_words(parsed.text("health-cmd"), fields, parsed.flag("no-healthcheck"))


def _restart(parsed: Parsed) -> str:
    policy = parsed.text("restart", "no")
    if policy not in ("", "no"):
        from ipycontainer.engine.restart_policy import parse

        parse(policy, parsed.flag("rm"))
    return policy


def _security_options(parsed: Parsed, cwd: str) -> tuple[str, ...]:
    if not parsed.given("security-opt"):
        return ()
    from ipycontainer.engine.security_options import read_files

    return read_files(parsed.many("security-opt"), cwd)


def _labels(parsed: Parsed, cwd: str) -> tuple[str, ...]:
    if not (parsed.given("label") or parsed.given("label-file")):
        return ()
    from ipycontainer.commands.environment import labels

    return labels(parsed.many("label-file"), parsed.many("label"), cwd)


def _image(name: str) -> str:
    # A plain word needs no grammar, and most names are one.
    if not (name.isascii() and name.isalnum() and name.islower()):
        from ipycontainer.oci.reference import parse

        parse(name)
    return name


def environment(parsed: Parsed, cwd: str) -> tuple[str, ...]:
    """`--env-file` and `-e`, later ones over earlier ones; a bare NAME is taken from outside."""
    if not parsed.given("env") and not parsed.given("env-file"):
        return ()
    from ipycontainer.commands.environment import variables

    return variables(parsed.many("env-file"), parsed.many("env"), cwd)


def _mounts(parsed: Parsed, cwd: str) -> dict[str, Any]:
    if not (parsed.given("volume") or parsed.given("mount") or parsed.given("tmpfs")):
        return {}
    from ipycontainer.commands.binds import mounts

    return mounts(parsed.many("volume"), parsed.many("mount"), parsed.many("tmpfs"), cwd)


CREATE = Verb(
    "create",
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Make a container without starting it",
    create,
    _CREATE_OPTIONS,
    least=1,
    mixed=False,
    examples=("create --name web base sleep 1000",),
    completes="image",
)

RUN = Verb(
    "run",
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Make a container from an image and run a command in it",
    run,
    (
        *_CREATE_OPTIONS,
        Option("detach", "d", "flag", "Leave it running and print its id"),
        Option("detach-keys", "", "text", "Keys that leave it running (ctrl-p,ctrl-q)"),
        Option("sig-proxy", "", "flag", "Pass on the signals that we get (true)"),
    ),
    least=1,
    mixed=False,
    examples=(
        "run --rm base echo hello",
        "run -d --name web -m 64m --cpus 0.5 base sleep 1000",
        "run --rm -v .:/work -w /work base ls",
        "run --explain -m 64m base true",
    ),
    completes="image",
    own_exit_code=True,
)
