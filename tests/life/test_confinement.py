"""What the program may not: capabilities, set-user-ID, descriptors, devices, masked paths, limits of its own."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.life.inside import attempt, edit_start, one_sentence, python, sh
from tests.personas import Persona

DOCKERS = (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL "
    "AUDIT_WRITE"
).split()
# include/uapi/linux/capability.h
NUMBERS = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8,
    "NET_BIND_SERVICE": 10, "NET_RAW": 13, "SYS_CHROOT": 18, "SYS_ADMIN": 21, "MKNOD": 27, "AUDIT_WRITE": 29,
    "SETFCAP": 31,
}  # fmt: skip


def _mask(*names: str) -> int:
    return sum(1 << NUMBERS[name] for name in names)


def _sets(persona: Persona, *options: str) -> dict[str, int]:
    lines = sh(persona, "grep Cap /proc/self/status", *options).splitlines()
    return {name[3:]: int(value, 16) for name, value in (line.split(":\t") for line in lines)}


def test_docker_s_fourteen_capabilities(persona: Persona):
    wanted = _mask(*DOCKERS)
    assert _sets(persona) == {"Inh": 0, "Prm": wanted, "Eff": wanted, "Bnd": wanted, "Amb": 0}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--cap-drop", "ALL"), []),
        (("--cap-drop", "ALL", "--cap-add", "CHOWN"), ["CHOWN"]),
        (("--cap-drop", "MKNOD", "--cap-drop", "cap_net_raw"), [n for n in DOCKERS if n not in ("MKNOD", "NET_RAW")]),
        (("--cap-add", "SYS_ADMIN"), [*DOCKERS, "SYS_ADMIN"]),
    ],
)
def test_capabilities_dropped_and_added(persona: Persona, options: tuple[str, ...], names: list[str]):
    found = _sets(persona, *options)
    assert found["Eff"] == found["Bnd"] == found["Prm"] == _mask(*names)


def test_all_is_what_the_caller_itself_has(persona: Persona):
    with open("/proc/self/status", encoding="utf-8") as file:
        own = next(int(line.split()[1], 16) for line in file if line.startswith("CapBnd"))
    assert _sets(persona, "--cap-add", "ALL")["Eff"] == own if persona.is_root else True


def test_without_the_capability_the_kernel_refuses(persona: Persona):
    assert sh(persona, "chroot / echo in", "--cap-drop", "ALL", "--cap-add", "SYS_CHROOT") == "in"
    assert attempt(persona, "chroot / echo in", "--cap-drop", "ALL").exit_code != 0


@pytest.mark.personas("root", "user")
def test_a_set_user_id_program_gives_nothing(persona: Persona):
    """The same program gives root when the guard is off."""
    become = (
        "import os; os.system('cp /usr/bin/id /suid; chmod 4755 /suid'); os.setuid(1000);"
        "os.execv('/suid', ['/suid', '-u'])"
    )
    container = persona.ok("create", "base", "python3", "-c", become)
    assert persona.ok("start", "-a", container) == "1000"

    def off(start: dict[str, Any]) -> None:
        start["spec"]["process"]["noNewPrivileges"] = False

    edit_start(persona, container, off)
    assert persona.ok("start", "-a", container) == "0"


def test_no_new_privileges_is_on(persona: Persona):
    assert sh(persona, "grep NoNewPrivs /proc/self/status") == "NoNewPrivs:\t1"


FDS = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + n)))"


def test_open_descriptors_are_the_three(persona: Persona):
    assert python(persona, FDS) == "[0, 1, 2]"
    assert python(persona, FDS, "--init") == "[0, 1, 2]"
    assert python(persona, FDS, "-i") == "[0, 1, 2]"


def test_pid_1_of_init_holds_no_other_descriptor_either(persona: Persona):
    held = sh(persona, "ls /proc/1/fd | tr '\\n' ' '", "--init")
    assert held.split() == ["0", "1", "2"], held


def test_dev_is_the_six_nodes_and_the_links(persona: Persona):
    script = "cd /dev; for n in *; do stat -c '%n %F %t:%T %a' $n; done; stat -c '%N' fd stdin stdout stderr ptmx"
    lines = sh(persona, script).splitlines()
    nodes = {"null 1:3", "zero 1:5", "full 1:7", "random 1:8", "urandom 1:9", "tty 5:0"}
    assert {f"{w[0]} {w[4]}" for w in map(str.split, lines) if "character" in w} == nodes
    assert {w[0] for w in map(str.split, lines) if w[1] == "directory"} == {"pts", "shm", "mqueue"}
    assert "'fd' -> '/proc/self/fd'" in lines and "'ptmx' -> 'pts/ptmx'" in lines


def test_the_nodes_work(persona: Persona):
    script = (
        "echo x > /dev/null; head -c 3 /dev/zero | od -An -c; head -c 8 /dev/urandom | wc -c; cat /dev/zero > /dev/full"
    )
    done = attempt(persona, script)
    assert done.out.split() == ["\\0", "\\0", "\\0", "8"] and "No space" in done.err


def test_shared_memory_and_ttys_are_the_containers_own(persona: Persona):
    script = "touch /dev/shm/mine && ls /dev/shm; ls /dev/pts; df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2"
    assert sh(persona, script).split() == ["mine", "ptmx", "65536"]
    assert "mine" not in os.listdir("/dev/shm")


def test_masked_paths_are_empty(persona: Persona):
    script = """
for f in kcore keys timer_list interrupts latency_stats sched_debug; do
    [ -e /proc/$f ] && head -c 1 /proc/$f 2>/dev/null | wc -c
done; ls -A /sys/firmware /proc/acpi /proc/scsi /sys/devices/virtual/powercap 2>/dev/null | grep -v : | wc -w
"""
    assert set(sh(persona, script).split()) == {"0"}
    assert os.path.exists("/proc/timer_list"), "this kernel has none of it: the test shows nothing"


def test_read_only_paths_cannot_be_written_even_by_root_inside(persona: Persona):
    script = "echo 7 > /proc/sys/kernel/domainname; echo b > /proc/sysrq-trigger; mkdir /sys/kernel/x; echo on"
    done = attempt(persona, script)
    assert done.out == "on\n" and done.err.count("Read-only") >= 2, done


def test_a_masked_path_cannot_be_unmasked(persona: Persona):
    assert attempt(persona, "umount /proc/keys || umount -l /proc/keys").exit_code != 0
    assert attempt(persona, "mount -t proc proc /mnt").exit_code != 0


def test_resource_limits(persona: Persona):
    script = "ulimit -n; ulimit -Hn; ulimit -c"
    assert sh(persona, script, "--ulimit", "nofile=100:200", "--ulimit", "core=0").split() == ["100", "200", "0"]


def test_a_limit_that_cannot_be_raised_is_one_sentence(persona: Persona, nothing_left: None):
    done = persona.cli("run", "--rm", "--ulimit", "nofile=4000000:4000000", "base", "true")
    assert "RLIMIT_NOFILE" in one_sentence(done, code=125)


def test_processes_count_apart_from_the_users_others(persona: Persona):
    """RLIMIT_NPROC counts in the container's user namespace, so other programs of the user take nothing from it."""
    if persona.is_root:
        return  # root is not limited by it
    assert sh(persona, "sleep 0 & sleep 0 & wait; echo on", "--ulimit", "nproc=8") == "on"


def test_root_is_all_of_the_machine_that_is_seen(persona: Persona):
    """No host path is a mount point that can be entered, and / is the overlay."""
    seen = {line.split()[4] for line in sh(persona, "cat /proc/self/mountinfo").splitlines()}
    own = ("/proc", "/dev", "/sys", "/etc/")
    assert {path for path in seen if path != "/" and not path.startswith(own)} == set()
