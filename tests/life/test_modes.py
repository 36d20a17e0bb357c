"""What a container shares: --network, --pid, --ipc container:NAME or host, --uts, --cgroupns, --userns; host names.

The kernel says what is shared: two processes that have the same number in /proc/PID/ns/KIND have it together.
"""

from __future__ import annotations

import json
import os
from fnmatch import fnmatch
from typing import Any

import pytest

from tests.life.inside import alive_record, detached, is_running, one_sentence, sh, state, until, with_engine
from tests.personas import Persona

LOOK = "readlink /proc/self/ns/{}"


def host_config(persona: Persona, container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(persona.ok("inspect", container))[0]["HostConfig"]
    return found


def namespace(persona: Persona, container: str, kind: str) -> str:
    return persona.ok("exec", container, "readlink", f"/proc/self/ns/{kind}")


def test_the_network_of_another(persona: Persona, nothing_left: None):
    web = detached(persona, "--name", "web", "-h", "box", "base", "sleep", "1000")
    assert sh(persona, LOOK.format("net"), "--network", "container:web") == namespace(persona, web, "net")
    told = sh(persona, "hostname; echo $HOSTNAME; cat /etc/hostname", "--network", f"container:{web[:12]}")
    assert told.split() == ["box", "box", "box"]
    # The same files: what one writes the other reads.
    sh(persona, "echo 10.1.2.3 added >> /etc/hosts", "--network", "container:web")
    assert "10.1.2.3 added" in persona.ok("exec", web, "cat", "/etc/hosts")
    refused = persona.cli(
        "run", "--rm", "--read-only", "--network", "container:web", "base", "sh", "-c", "echo x >> /etc/hosts"
    )
    assert refused.exit_code != 0 and "Read-only" in refused.err, refused
    beside = detached(persona, "--network", "container:web", "base", "sleep", "1000")
    assert host_config(persona, beside)["NetworkMode"] == f"container:{web}"
    assert namespace(persona, beside, "net") == namespace(persona, web, "net")
    assert namespace(persona, beside, "mnt") != namespace(persona, web, "mnt")
    # It outlives the other: the namespace is there as long as somebody is in it.
    persona.ok("rm", "-f", web)
    assert namespace(persona, beside, "net").startswith("net:")
    persona.ok("rm", "-f", beside)


def test_the_hosts_network_through_another(persona: Persona, nothing_left: None):
    """An ordinary user may not join the host's; who is in it already need not."""
    hosts = os.readlink("/proc/self/ns/net")
    detached(persona, "--network", "host", "--name", "web", "--add-host", "added:10.1.2.3", "base", "sleep", "1000")
    detached(persona, "--network", "container:web", "--name", "second", "base", "sleep", "1000")
    for other in ("web", "second"):
        assert sh(persona, LOOK.format("net"), "--network", f"container:{other}") == hosts
        assert "10.1.2.3" in sh(persona, "cat /etc/hosts", "--network", f"container:{other}")
    assert persona.ok("exec", "second", "readlink", "/proc/self/ns/net") == hosts
    assert persona.ok("exec", "second", "ls", "/sys/class/net") == persona.ok("exec", "web", "ls", "/sys/class/net")
    persona.ok("rm", "-f", "web", "second")


def test_a_server_is_reached_over_a_shared_network(persona: Persona):
    server = (
        "import socket; s = socket.create_server(('127.0.0.1', 80)); print('up', flush=True)\n"
        "while True: c, _ = s.accept(); c.sendall(b'hello'); c.close()"
    )
    web = detached(persona, "--name", "web", "base", "python3", "-c", server)
    until(lambda: persona.ok("logs", web) == "up", "the server listens")
    ask = "import socket; print(socket.create_connection(('localhost', 80)).recv(9).decode())"
    assert persona.ok("run", "--rm", "--network", "container:web", "base", "python3", "-c", ask) == "hello"
    alone = persona.cli("run", "--rm", "base", "python3", "-c", ask)
    assert "ConnectionRefusedError" in alone.err


def test_memory_is_shared_with_a_shareable_one_alone(persona: Persona, nothing_left: None):
    giver = detached(
        persona, "--name", "giver", "--ipc", "shareable", "base", "sh", "-c", "echo x >/dev/shm/x; sleep 99"
    )
    until(lambda: persona.cli("exec", giver, "test", "-s", "/dev/shm/x").exit_code == 0, "it has written")
    assert sh(persona, f"cat /dev/shm/x; {LOOK.format('ipc')}", "--ipc", "container:giver").split() == [
        "x",
        namespace(persona, giver, "ipc"),
    ]
    sh(persona, "echo y > /dev/shm/y", "--ipc", "container:giver")
    assert persona.ok("exec", giver, "cat", "/dev/shm/y") == "y"
    private = detached(persona, "--name", "private", "base", "sleep", "1000")
    said = one_sentence(persona.cli("run", "--rm", "--ipc", "container:private", "base", "true"), code=125)
    assert f"can't join IPC of container {private}: non-shareable IPC (hint: use IpcMode:shareable" in said
    persona.ok("rm", "-f", giver, private)


def test_no_shared_memory_and_the_hosts(persona: Persona):
    assert sh(persona, "test -e /dev/shm || echo none", "--ipc", "none") == "none"
    assert sh(persona, LOOK.format("ipc"), "--ipc", "host") == os.readlink("/proc/self/ns/ipc")
    with open("/proc/mounts", encoding="utf-8") as file:
        hosts = next(words[:3] for words in map(str.split, file) if words[1] == "/dev/shm")
    assert sh(persona, "grep /dev/shm /proc/mounts", "--ipc", "host").split()[:3] == hosts
    said = one_sentence(
        persona.cli("run", "--rm", "--ipc", "host", "--sysctl", "kernel.msgmax=9999", "base", "true"), code=125
    )
    assert 'sysctl "kernel.msgmax" is not allowed in the hosts ipc namespace' in said


def test_the_hosts_name(persona: Persona):
    assert sh(persona, f"hostname; {LOOK.format('uts')}", "--uts", "host").split() == [
        os.uname().nodename,
        os.readlink("/proc/self/ns/uts"),
    ]


def test_a_domain_name(persona: Persona):
    assert sh(persona, "cat /proc/sys/kernel/domainname", "--domainname", "example.org") == "example.org"
    # One that was made ready for the last request bears its own.
    assert sh(persona, "cat /proc/sys/kernel/domainname", "--domainname", "other.org") == "other.org"
    assert sh(persona, "cat /proc/sys/kernel/domainname") == "(none)"
    web = detached(persona, "--name", "web", "--domainname", "example.org", "base", "sleep", "1000")
    assert json.loads(persona.ok("inspect", web))[0]["Config"]["Domainname"] == "example.org"


@pytest.mark.personas("root")
def test_the_processes_of_another(persona: Persona, nothing_left: None):
    web = detached(persona, "--name", "web", "base", "sleep", "1000")
    assert sh(persona, "ps -o comm=", "--pid", "container:web").split() == ["sleep", "sh", "ps"]
    # Its first process is not the tree's: what it leaves running ends with it all the same.
    beside = detached(persona, "--pid", "container:web", "base", "sh", "-c", "sleep 4321 & exec sleep 5432")
    until(lambda: "4321" in persona.ok("exec", web, "ps", "-eo", "args"), "its children are there")
    pid = state(persona, beside)["Pid"]
    persona.ok("kill", beside)
    assert persona.ok("wait", beside) == "137" and not is_running(pid)
    until(lambda: "4321" not in persona.ok("exec", web, "ps", "-eo", "args"), "they have ended with it")
    assert state(persona, web)["Running"]
    persona.ok("rm", "-f", web, beside)


LIKE_ANY = (
    ("--pids-limit 1", "echo one", "one"),
    ("-u 65534:65533", "id -u; id -g", "65534 65533"),
    ("-w /made", "pwd", "/made"),
    ("--read-only", "touch /x 2>/dev/null || echo read-only", "read-only"),
    ("--init", "readlink /proc/$PPID/exe >/dev/null; cat /proc/$PPID/comm", "init"),
    ("-t", "tty; test -t 0 && test -c /dev/console && stty size < /dev/console", "/dev/pts/0 0 0"),
    ("-t -u 65534", "tty; echo x > $(tty)", "/dev/pts/0 x"),
    ("--cap-add SYS_PTRACE", "ls /proc/1/root | grep -c bin", "2"),
    ("", "wc -c < /proc/keys; (echo x > /proc/sysrq-trigger) 2>/dev/null || echo no", "0 no"),
    ("", "readlink /proc/self/exe; cat /proc/self/attr/current >/dev/null 2>&1; ls /proc/self/fd | wc -l", "* 4"),
)


@pytest.mark.personas("root")
def test_who_shares_processes_is_a_container_like_any(persona: Persona, nothing_left: None):
    web = detached(persona, "--name", "web", "--privileged", "base", "sleep", "1000")
    for options, script, told in LIKE_ANY:
        shown = sh(persona, script, "--pid", "container:web", *options.split())
        assert fnmatch(" ".join(shown.split()), told), (options, script)
    for script, code in (("exit 3", 3), ("exec /etc/hosts", 126), ("exec /nowhere", 127)):
        assert persona.cli("run", "--rm", "--pid", "container:web", "base", "sh", "-c", script).exit_code == code
    missing = persona.cli("run", "--rm", "--pid", "container:web", "base", "not-there")
    assert "executable file not found" in one_sentence(missing, code=127)
    persona.ok("rm", "-f", web)


@pytest.mark.personas("root")
def test_the_hosts_processes(persona: Persona, nothing_left: None):
    container = detached(persona, "--pid", "host", "base", "sh", "-c", "sleep 4321 & exec sleep 5432")
    pid = state(persona, container)["Pid"]
    assert persona.ok("exec", container, "cat", f"/proc/{pid}/comm") == "sleep"
    leaves = alive_record(persona, container)["cgroups"]
    tasks = {int(word) for leaf in leaves for word in open(f"{leaf}/cgroup.procs").read().split()}
    until(lambda: len(tasks) == 2 or tasks.update(_processes(leaves)) is not None, "both processes")
    persona.ok("kill", container)
    persona.ok("wait", container)
    until(lambda: not any(is_running(task) for task in tasks), "both have ended")
    persona.ok("rm", container)
    # By its own monitor, and not by who sweeps after one that failed.
    assert "KernelError" not in (persona.run_folders()[0] / "launcher.log").read_text()


def _processes(leaves: list[str]) -> set[int]:
    return {int(word) for leaf in leaves for word in open(f"{leaf}/cgroup.procs").read().split()}


@pytest.mark.personas("root")
def test_the_hosts_view_of_control_groups(persona: Persona):
    assert sh(persona, LOOK.format("cgroup"), "--cgroupns", "host") == os.readlink("/proc/self/ns/cgroup")
    assert sh(persona, LOOK.format("user"), "--userns", "host") == os.readlink("/proc/self/ns/user")


@pytest.mark.personas("user", "solo")
@pytest.mark.parametrize("option", ["--pid", "--userns", "--cgroupns"])
def test_what_an_ordinary_user_cannot_have(persona: Persona, option: str):
    said = one_sentence(persona.cli("run", "--rm", option, "host", "base", "true"), code=125)
    assert f"{option} host cannot be had here" in said and "user namespace" in said
    assert persona.ok("ps", "-aq") == ""


@pytest.mark.personas("user", "solo")
def test_an_ordinary_users_share_with_one_other(persona: Persona):
    detached(persona, "--name", "one", "--ipc", "shareable", "base", "sleep", "1000")
    detached(persona, "--name", "two", "base", "sleep", "1000")
    both = ("--network", "container:one", "--ipc", "container:one")
    assert sh(persona, "id -u; hostname >/dev/null && echo here", *both).split() == ["0", "here"]
    said = one_sentence(
        persona.cli("run", "--rm", "--network", "container:two", "--ipc", "container:one", "base", "true"), code=125
    )
    assert "namespaces of two other containers cannot be shared here" in said
    alone = persona.cli("run", "--rm", "--pid", "container:one", "base", "ps", "-o", "comm=")
    if alone.exit_code:
        assert "without a control group nobody finds" in one_sentence(alone, code=125)
    else:
        assert alone.out.split() == ["sleep", "ps"]


def test_names_and_addresses(persona: Persona):
    told = sh(
        persona, "cat /etc/hosts; echo --; cat /etc/resolv.conf",
        "--add-host", "one:10.0.0.1", "--add-host", "six:[::6]", "--add-host", "five:::5",
        "--dns", "9.9.9.9", "--dns", "::1", "--dns-option", "ndots:2", "--dns-opt", "debug",
        "--dns-search", "example.org", "--dns-search", "example.net",
    )  # fmt: skip
    hosts, resolver = told.split("--\n")
    assert hosts.splitlines()[-3:] == ["10.0.0.1\tone", "::6\tsix", "::5\tfive"]
    assert resolver.splitlines() == [
        "search example.org example.net",
        "nameserver 9.9.9.9",
        "nameserver ::1",
        "options debug ndots:2",
    ]
    assert "search" not in sh(persona, "cat /etc/resolv.conf", "--dns-search", ".", "--dns", "1.1.1.1")
    on_the_host = sh(persona, "cat /etc/hosts", "--network", "host", "--add-host", "one:10.0.0.1")
    assert on_the_host.splitlines()[-1] == "10.0.0.1\tone"
    the_host = sh(persona, "cat /etc/hosts", "--network", "host", "--add-host", "up:host-gateway")
    assert the_host.splitlines()[-1] == "127.0.0.1\tup"


REFUSALS = (
    ("--network container:web --hostname x", "conflicting options: hostname and the network mode"),
    ("--network container:web --dns 1.1.1.1", "conflicting options: dns and the network mode"),
    ("--network container:web --add-host a:1.1.1.1", "conflicting options: custom host-to-IP mapping and the network"),
    ("--network container:", "Invalid network mode: invalid container format container:<name|id>"),
    ("--network container:nobody", "No such container: nobody"),
    ("--pid container:nobody", "No such container: nobody"),
    ("--ipc container:nobody", "No such container: nobody"),
    ("--uts host --hostname x", "conflicting options: hostname and the UTS mode"),
    ("--uts host --domainname x", "conflicting options: --domainname and --uts host"),
    ("--uts what", "--uts: invalid UTS mode"),
    ("--pid what", "--pid: invalid PID mode"),
    ("--pid container:", "--pid: invalid PID mode"),
    ("--ipc what", "Invalid IPC mode: what"),
    ("--userns what", "--userns: invalid USER mode"),
    ("--cgroupns what", "--cgroupns: invalid CGROUP mode"),
    ("--add-host up:host-gateway", "with --network none nothing leads to the host; with --network host it is up"),
    ("--add-host foo", 'bad format for add-host: "foo"'),
    ("--add-host foo:bar", 'invalid IP address in add-host: "bar"'),
    ("--dns foo", "foo is not an ip address"),
)


def test_conflicts_are_refused_in_dockers_words(persona: Persona, nothing_left: None):
    detached(persona, "--name", "web", "base", "sleep", "1000")
    for words, says in REFUSALS:
        refusal = persona.cli("run", "--rm", *words.split(), "base", "true")
        assert says in one_sentence(refusal, code=125), words
    assert len(persona.ok("ps", "-aq").split()) == 1
    persona.ok("rm", "-f", "web")


def test_one_that_does_not_run_has_nothing_to_share(persona: Persona, nothing_left: None):
    web = persona.ok("create", "--name", "web", "--ipc", "shareable", "base", "sleep", "1000")
    said = one_sentence(persona.cli("run", "--rm", "--network", "container:web", "base", "true"), code=125)
    assert f"cannot join network of a non running container: {web}" in said
    said = one_sentence(persona.cli("run", "--rm", "--ipc", "container:web", "base", "true"), code=125)
    assert f"can't join IPC of container {web}: container {web} is not running" in said
    later = persona.ok("create", "--network", "container:web", "base", "readlink", "/proc/self/ns/net")
    assert "cannot join network" in persona.cli("start", later).err
    persona.ok("start", web)
    assert persona.ok("start", "-a", later) == namespace(persona, web, "net"), "it is looked for at each start"
    persona.ok("rm", "-f", web, later)


def test_a_command_with_every_capability(persona: Persona):
    web = detached(persona, "base", "sleep", "1000")
    masks = {}
    for words in ((), ("--privileged",)):
        lines = persona.ok("exec", *words, web, "cat", "/proc/self/status").splitlines()
        masks[words] = next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff"))
    assert masks[()] & 1 << 21 == 0 and masks["--privileged",] & 1 << 21, "CAP_SYS_ADMIN"


def test_in_python(persona: Persona):
    told = with_engine(
        persona,
        """
        web = engine.run('base', ['sleep', '1000'], detach=True, hostname='box', ipc_mode='shareable')
        mode = f'container:{web.name}'
        told = engine.run('base', ['sh', '-c', 'hostname; cat /etc/hosts'], network=mode, ipc_mode=mode, remove=True)
        other = engine.run('base', ['cat', '/etc/hosts'], extra_hosts={'one': '10.0.0.1'}, remove=True)
        web.remove(force=True)
        tell([told.text.split()[0], other.text.splitlines()[-1]])
        """,
    )
    assert told == ["box", "10.0.0.1\tone"]
