"""Namespaces: the container sees only its own processes, host name, interfaces, users; init reaps and forwards."""

from __future__ import annotations

import os
import signal

import pytest

from tests.life.inside import alive_record, detached, python, sh, until
from tests.personas import Persona

KINDS = {"mnt", "pid", "uts", "ipc", "net", "cgroup"}


def _namespaces(persona: Persona, *options: str) -> dict[str, str]:
    lines = sh(persona, "for n in /proc/self/ns/*; do echo ${n##*/} $(readlink $n); done", *options).splitlines()
    return dict(line.split() for line in lines)


def test_every_namespace_is_its_own(persona: Persona):
    script = "for n in /proc/self/ns/*; do echo ${n##*/} $(readlink $n); done; sleep 100"
    other = detached(persona, "base", "sh", "-c", script)  # one that lives, for the kernel uses numbers again
    inside = _namespaces(persona)
    kinds = KINDS if persona.is_root else KINDS | {"user"}
    shared = {kind for kind in kinds if inside[kind] == os.readlink(f"/proc/self/ns/{kind}")}
    assert not shared
    until(lambda: "uts" in persona.ok("logs", other), "the other has said its own")
    others = dict(line.split() for line in persona.ok("logs", other).splitlines())
    assert not {kind for kind in kinds if inside[kind] == others[kind]}, "two containers share one"


def test_it_sees_only_its_own_processes(persona: Persona):
    assert python(persona, "import os; print(sorted(n for n in os.listdir('/proc') if n.isdecimal()))") == "['1']"


def test_it_cannot_reach_a_process_of_the_host(persona: Persona):
    script = f"import os\ntry: os.kill({os.getpid()}, 0)\nexcept OSError as e: print(e.strerror)"
    assert python(persona, script) == "No such process"


def test_its_network_is_a_loopback_that_is_up_and_nothing_else(persona: Persona):
    script = """
import socket
print([name for _, name in socket.if_nameindex()])
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
client.sendall(b"x")
print(server.accept()[0].recv(1))
server = socket.create_server(("::1", 0), family=socket.AF_INET6)
socket.create_connection(server.getsockname()[:2])
try:
    socket.create_connection(("192.0.2.1", 80), 1)
except OSError as error:
    print(error.strerror)
"""
    assert python(persona, script).splitlines() == ["['lo']", "b'x'", "Network is unreachable"]


def test_network_host_is_the_hosts(persona: Persona):
    names = python(persona, "import socket; print(sorted(n for _, n in socket.if_nameindex()))", "--network", "host")
    assert names == str(sorted(os.listdir("/sys/class/net")))
    assert _namespaces(persona, "--network", "host")["net"] == os.readlink("/proc/self/ns/net")
    assert sh(persona, "uname -n", "--network", "host") == os.uname().nodename


def test_an_abstract_socket_of_the_host_is_out_of_reach(persona: Persona):
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0ipyc-{os.getpid()}")
        server.listen()
        script = f"import socket; socket.socket(socket.AF_UNIX).connect('\\0ipyc-{os.getpid()}')"
        assert persona.cli("run", "--rm", "base", "python3", "-c", script).exit_code == 1
        shared = persona.cli("run", "--rm", "--network", "host", "base", "python3", "-c", script)
        assert shared.exit_code == 0, "with the host's network it is reached: the attack works"


def test_system_v_ipc_and_the_cgroup_path_are_its_own(persona: Persona):
    assert sh(persona, "cut -d: -f3 /proc/self/cgroup | sort -u; wc -l < /proc/sysvipc/shm").split() == ["/", "1"]


def test_the_hosts_name_cannot_be_changed_from_inside(persona: Persona):
    persona.cli(
        "run", "--rm", "--cap-add", "SYS_ADMIN", "base", "python3", "-c", "import socket; socket.sethostname('x')"
    )
    assert os.uname().nodename != "x"


def test_init_reaps_what_nobody_waits_for(persona: Persona):
    """Without it the orphans of a program that does not wait stay as zombies."""
    script = """
import os, time
reading, writing = os.pipe()
for _ in range(5):
    if (child := os.fork()) == 0:
        if os.fork() == 0:
            os.write(writing, os.getpid().to_bytes(4, "little"))  # the grandchild, whose parent does not wait
        os._exit(0)
    os.waitpid(child, 0)
os.close(writing)
told = b""
while data := os.read(reading, 100): told += data
grandchildren = [int.from_bytes(told[i:i + 4], "little") for i in range(0, len(told), 4)]
end = time.monotonic() + 5
def left(): return sum(os.path.exists(f"/proc/{pid}") for pid in grandchildren)
while left() and time.monotonic() < end: time.sleep(0.02)
print(len(grandchildren), left())
"""
    assert python(persona, script, "--init") == "5 0"


@pytest.mark.parametrize("name", ["TERM", "USR1", "HUP"])
def test_init_forwards_signals(persona: Persona, name: str):
    trap = f"trap 'echo got {name}; exit 9' {name}; echo ready; while :; do sleep 0.02; done"
    container = detached(persona, "--init", "base", "sh", "-c", trap)
    until(lambda: persona.ok("logs", container) == "ready", "the trap is set")
    persona.ok("kill", "-s", name, container)
    assert persona.ok("wait", container) == "9"
    assert persona.ok("logs", container) == f"ready\ngot {name}"


def test_init_tells_nothing_of_the_launcher(persona: Persona):
    """PID 1 is a fork of it: its memory, its environment, its command line, its program are nobody's business."""
    script = """
import os
def attempt(act):
    try: return act()
    except OSError as error: return error.strerror
print(open("/proc/1/cmdline").read().strip("\\0"), open("/proc/1/comm").read().strip())
for path in ("environ", "mem", "maps"):
    print(attempt(lambda: len(open("/proc/1/" + path, "rb").read(4096))))
print(attempt(lambda: os.readlink("/proc/1/exe")), attempt(lambda: os.listdir("/proc/1/root/")))
"""
    lines = python(persona, script, "--init").splitlines()
    assert lines[0] == "init init"
    assert lines[1:4] == ["Permission denied"] * 3
    assert lines[4] == "Permission denied Permission denied"


def test_pid_1_without_init_is_the_program(persona: Persona):
    assert sh(persona, "echo $$; tr '\\0' ' ' < /proc/1/cmdline | cut -c 1-5") == "1\nsh -c"


def test_signals_are_at_their_defaults(persona: Persona):
    words = sh(persona, "cat /proc/self/status").split()
    blocked, ignored, caught = (int(words[words.index(f"Sig{kind}:") + 1], 16) for kind in ("Blk", "Ign", "Cgt"))
    # 32 and 33 are the C library's own: its posix_spawn, which starts the launcher, leaves them ignored.
    assert (blocked, ignored & ~(3 << 31), caught) == (0, 0, 0)


def test_the_monitor_is_outside_of_all_of_it(persona: Persona):
    container = detached(persona, "base", "sleep", "100")
    record = alive_record(persona, container)
    assert os.readlink(f"/proc/{record['pid']}/ns/pid") != os.readlink(f"/proc/{record['monitor']}/ns/pid")
    os.kill(record["pid"], signal.SIGKILL)
    assert persona.ok("wait", container) == "137"
