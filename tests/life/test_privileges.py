"""What is given beyond the usual: --privileged, --device, --sysctl, systempaths, labels; and what cannot be given."""

from __future__ import annotations

import os

import pytest

from tests.life.inside import attempt, detached, one_sentence, sh
from tests.personas import Persona

FUSE = os.path.exists("/dev/fuse")
NODE = "stat -c '%F %t:%T' "


@pytest.mark.parametrize(
    ("words", "path"), [("/dev/full", "/dev/full"), ("/dev/full:/x/y", "/x/y"), ("/dev/full:r", "/dev/full")]
)
def test_a_device_of_the_host(persona: Persona, words: str, path: str):
    assert sh(persona, NODE + path, "--device", words) == "character special file 1:7"


@pytest.mark.personas("root")
@pytest.mark.skipif(not FUSE, reason="this machine has no /dev/fuse to give")
def test_only_with_device_it_opens_and_only_as_it_says(persona: Persona):
    script = (
        "[ -e /dev/fuse ] || mknod /dev/fuse c 10 229; (exec 3</dev/fuse) && echo r; (exec 3>/dev/fuse) && echo w; :"
    )
    assert attempt(persona, script).out == ""
    assert attempt(persona, script, "--device", "/dev/fuse:r").out == "r\n"
    assert attempt(persona, script, "--device", "/dev/fuse").out == "r\nw\n"
    container = detached(persona, "--device", "/dev/fuse", "base", "sleep", "100")
    assert persona.ok("exec", container, "sh", "-c", "exec 3</dev/fuse; echo r") == "r"


def test_an_ordinary_user_s_device_is_as_it_is_outside(persona: Persona):
    """Bound, not made: who may not open it outside may not inside."""
    if persona.is_root or not os.path.exists("/dev/loop-control"):
        return
    done = attempt(persona, "exec 3</dev/loop-control", "--device", "/dev/loop-control")
    assert "Permission denied" in done.err, done


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("/dev/nope", 'while adding custom device "/dev/nope": no such file or directory'),
        ("/etc/passwd", "not a device node"),
        ("/dev/shm", "not a device node"),
        ("/dev/null:/dev/x:q", "bad mode specified: q"),
        ("/dev/null:rw:rw:rw", "bad format for path"),
        ("/dev/null:rel", "rel is not an absolute path"),
        ("", "bad format for path"),
    ],
)
def test_a_device_that_is_none_is_one_sentence(persona: Persona, words: str, said: str):
    assert said in one_sentence(persona.cli("run", "--rm", "--device", words, "base", "true"), code=125)


def test_sysctls_of_its_own_namespaces(persona: Persona):
    script = "cd /proc/sys; cat net/ipv4/ip_forward kernel/msgmax net/ipv4/ip_unprivileged_port_start"
    found = sh(persona, script, "--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=4096")
    assert found.split() == ["1", "4096", "0"]


def test_dockers_sysctls_let_anybody_have_a_low_port(persona: Persona):
    code = "import socket; socket.create_server(('127.0.0.1', 80)); print('bound')"
    found = persona.ok("run", "--rm", "--cap-drop", "ALL", "base", "python3", "-c", code)
    assert found == "bound"
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
        assert file.read() != "0\n", "the host's is 0 already: the test shows nothing"


@pytest.mark.parametrize(
    "words", ["kernel.hostname=x", "kernel.core_pattern=|/x", "vm.swappiness=1", "net.ipv4.ip_forward", "=1",
              "net..x=1", "net.ipv4/../../kernel/core_pattern=x", "net.ipv4.conf.nope=1"]
)  # fmt: skip
def test_no_sysctl_of_the_machine(persona: Persona, words: str):
    one_sentence(persona.cli("run", "--rm", "--sysctl", words, "base", "true"), code=125)


def test_no_sysctl_of_the_hosts_network(persona: Persona):
    done = persona.cli("run", "--rm", "--network", "host", "--sysctl", "net.ipv4.ip_forward=1", "base", "true")
    assert "it would be the host's" in one_sentence(done, code=125)


def test_privileged_is_all_that_there_is(persona: Persona):
    script = """
grep -E 'CapEff|NoNewPrivs|^Seccomp:' /proc/self/status
mount -t tmpfs x /mnt && echo mounted
grep -q ' /proc/keys ' /proc/self/mountinfo || echo keys
grep -q ' /proc/sys ' /proc/self/mountinfo || echo proc
ls /dev | wc -l
"""
    done = attempt(persona, script, "--privileged")
    lines = done.out.split()
    assert {"mounted", "keys", "proc"} <= set(lines), done
    assert lines[lines.index("NoNewPrivs:") + 1] == lines[lines.index("Seccomp:") + 1] == "0"
    with open("/proc/self/status", encoding="utf-8") as file:
        bounding = next(int(line.split()[1], 16) for line in file if line.startswith("CapBnd"))
    if persona.is_root:
        assert int(lines[lines.index("CapEff:") + 1], 16) == bounding and int(lines[-1]) > 20
        assert done.err == ""
    else:
        assert "what a user namespace allows" in done.err, "it is said what is withheld"
    usual = attempt(persona, script)
    assert not {"mounted", "keys", "proc"} & set(usual.out.split())


@pytest.mark.personas("root")
def test_privileged_may_use_any_node_and_write_its_cgroups(persona: Persona):
    script = (
        "mknod /m c 1 11 && dd if=/m of=/dev/null count=1 iflag=nonblock 2>/dev/null && echo read; cd /sys/fs/cgroup"
    )
    script += "; mkdir */below unified/below 2>/dev/null; ls -d */below | wc -l; rmdir */below"
    out = sh(persona, script, "--privileged").split()
    assert out[0] == "read" and int(out[1]) > 0, out


def test_what_is_asked_for_beside_privileged_holds(persona: Persona):
    script = "grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -d '\\n'"
    found = sh(persona, script, "--privileged", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    assert found.split() == ["CapEff:", "0000000000000000NoNewPrivs:", "1"] or found.endswith("1"), found


def test_paths_unconfined(persona: Persona):
    script = "grep -q ' /proc/sys ' /proc/self/mountinfo || echo proc; mount -t tmpfs x /mnt || echo no"
    done = attempt(persona, script, "--security-opt", "systempaths=unconfined")
    assert done.out == "proc\nno\n", done
    assert "proc" not in attempt(persona, script).out


@pytest.mark.parametrize("words", ["apparmor=nope", "label=type:nope_t", "systempaths=nope", "label=nope", "nope=1"])
def test_what_this_machine_has_not_is_one_sentence(persona: Persona, words: str):
    one_sentence(persona.cli("run", "--rm", "--security-opt", words, "base", "true"), code=125)


def test_labels_that_ask_for_nothing_pass(persona: Persona):
    assert sh(persona, "echo on", "--security-opt", "apparmor=unconfined", "--security-opt", "label=disable") == "on"


def test_its_cgroups_are_shown_and_cannot_be_written(persona: Persona):
    if not persona.is_root:
        assert sh(persona, "ls /sys/fs/cgroup | wc -l; grep -c ' /sys/fs/cgroup' /proc/self/mountinfo") == "0\n1"
        assert sh(persona, "ls /sys/fs/cgroup | wc -l", "--network", "host") == "0", "the host's are not"
        return
    script = """
cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max 2>/dev/null
mkdir memory/x x 2>&1 | grep -c Read-only
"""
    found = sh(persona, script, "-m", "32m").split()
    assert found[0] == str(32 << 20) and int(found[1]) >= 1


def test_the_session_keyring_is_its_own_and_empty(persona: Persona):
    """A key of the caller's would come along with the fork; the filter that forbids the call is off for the look."""
    look = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
found = libc.syscall(250, 10, -3, b"user", b"ipyc-caller", 0)  # keyctl KEYCTL_SEARCH in the session keyring
print(found if found >= 0 else os.strerror(ctypes.get_errno()))
"""
    code = f"""
import ctypes, json
from ipycontainer import Engine
libc = ctypes.CDLL(None)
libc.syscall(250, 1, None)  # a session keyring of the test's own
key = libc.syscall(248, b"user", b"ipyc-caller", b"secret", 6, -3)
assert key > 0
engine = Engine()
engine.shutdown()
print(json.dumps(engine.run("base", ["python3", "-c", {look!r}], remove=True,
                            security_opt=["seccomp=unconfined"]).text.strip()))
"""
    if os.uname().machine == "x86_64":
        assert persona.python(code) == "Required key not available"


def test_core_dumps_are_off_and_cannot_be_raised(persona: Persona):
    assert sh(persona, "ulimit -Sc; ulimit -Hc").split() == ["0", "0"]
    assert sh(persona, "ulimit -Sc; ulimit -Hc", "--ulimit", "core=512:1024").split() == ["1", "2"]
