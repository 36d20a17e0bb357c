"""The verdict on every system call, ours beside docker's own: read from the filters of two running containers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipycontainer.runtime.seccomp_profile import SHIPPED, numbers, shipped_x86_64
from ipycontainer.runtime.seccomp_profile.profile import severity
from tests import bpf_machine
from tests.bpf_machine import ALLOW, ENOSYS, EPERM, I386, X32, X86_64
from tests.hostile.docker_daemon import DockerDaemon
from tests.hostile.installed_filters import filters_of
from tests.life.inside import detached, state
from tests.personas import Persona

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")

TABLES = {X86_64: numbers.numbers(numbers.X86_64), I386: numbers.numbers(numbers.I386)}
NAMES = {key: {number: name for name, number in table.items()} for key, table in TABLES.items()}
BEYOND = 600
NEWEST_OF_LIBSECCOMP = 450  # 2.5.4's table
# Around every bound of docker's conditions and ours.
VALUES = sorted({0, 1, 2, 3, 8, 11, 12, 13, 17, 38, 39, 40, 41, 45, 46, 0x20000, 0x20008, 0x20009, 0x400000, 0xFFFFFFFF}
                | {1 << bit for bit in range(40)} | {17 | 0x7E020000, 1 << 32 | 40})  # fmt: skip

# Where ours lets through what Debian's docker 20.10 does not: docker's present list does.
PRESENT_LIST = set(
    "cachestat fchmodat2 futex_requeue futex_wait futex_wake getxattrat listmount listxattrat map_shadow_stack mseal "
    "name_to_handle_at pkey_alloc pkey_free pkey_mprotect process_vm_readv process_vm_writev removexattrat setxattrat "
    "statmount uretprobe "
    # with a capability:
    "clock_settime64 lsm_get_self_attr lsm_list_modules lsm_set_self_attr set_mempolicy_home_node".split()
)
REASONS = {
    "stricter": "ours refuses, docker's lets through",
    "present": "docker's present list has it, Debian's 20.10 is older",
    "unknown": "refused by both; no kernel has that number, or it came after the list: ENOSYS says so",
    "known": "refused by both; the call is there but not for a container: EPERM",
}


# runc gives up where the host cannot give a capability, and this one is often withheld.
OPTIONS = [(), ("--cap-drop", "ALL"), ("--cap-add", "SYS_ADMIN"), ("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE")]


def word(verdict: int) -> str:
    return {ALLOW: "allow", EPERM: "EPERM", ENOSYS: "ENOSYS", 0x80000000: "kill", 0: "kill"}.get(verdict, hex(verdict))


def reason(name: str | None, ours: int, theirs: int) -> str:
    """Why a difference is none that anyone has to fear; "" where there is no reason."""
    if ours != ALLOW and theirs == ALLOW:
        return "stricter"
    if ours == ALLOW:
        return "present" if name in PRESENT_LIST else ""
    return "unknown" if ours == ENOSYS else "known"


def calls() -> Iterator[tuple[int, int]]:
    for number in [*range(BEYOND), 0xFFFFFFFF]:
        yield X86_64, number
        yield X86_64, X32 | number
        yield I386, number


def verdicts(filters: list[bytes], architecture: int, number: int) -> list[int]:
    """The word that counts, for every sample of arguments: the severest of all filters'."""
    found = []
    looked = any(bpf_machine.trace(each, number, architecture)[1] for each in filters)
    # An argument of an i386 call has 32 bits; the kernel fills up with zeros.
    sampled = [value for value in VALUES if architecture == X86_64 or value < 1 << 32] if looked else [0]
    for value in sampled:
        words = [bpf_machine.run(each, number, architecture, [value, value, value]) for each in filters]
        found.append(min(words, key=lambda each: (each & 0xFFFF0000) - (1 << 32 if each >> 31 else 0)))
    return found


def shown(which: list[str]) -> str:
    """The calls by name, i386's own with its name before; x32's and numbers without a name are counted."""
    names = [each for each in which if not each.startswith("x32") and not each.split()[-1].isdecimal()]
    once = [each for each in names if each.removeprefix("i386 ") not in names or not each.startswith("i386 ")]
    parts = [" ".join(once)] if once else []
    for kind, count in (
        ("numbers without a call", sum(each.split()[-1].isdecimal() and "x32" not in each for each in which)),
        ("x32 calls", sum("x32" in each for each in which)),
    ):
        if count:
            parts.append(f"{count} {kind}")
    return " and ".join(parts)


@pytest.mark.timeout(300)
@pytest.mark.personas("root")
@pytest.mark.parametrize("options", OPTIONS, ids=lambda words: "+".join(words) or "usual")
def test_every_difference_is_stricter_or_explained(
    persona: Persona, docker_daemon: DockerDaemon, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    ours_id = detached(persona, *options, "base", "sleep", "1000")
    theirs_id = docker_daemon.ok("run", "-d", "--network", "none", *options, "base", "sleep", "1000")
    try:
        ours = filters_of(state(persona, ours_id)["Pid"])
        theirs = filters_of(docker_daemon.pid(theirs_id))
    finally:
        persona.ok("rm", "-f", ours_id)
        docker_daemon.ok("rm", "-f", theirs_id)
    assert ours and theirs
    table: dict[tuple[str, str, str], list[str]] = {}
    same = 0
    for architecture, number in calls():
        name = NAMES[architecture].get(number & ~X32 if architecture == X86_64 else number)
        kind = "i386 " if architecture == I386 else "x32 " if number & X32 else ""
        left, right = verdicts(ours, architecture, number), verdicts(theirs, architecture, number)
        most = max(len(left), len(right))
        pairs = {(left[at % len(left)], right[at % len(right)]) for at in range(most)}
        different = [pair for pair in pairs if pair[0] != pair[1]]
        same += not different
        for pair in different:
            key = (reason(name, *pair), *map(word, pair))
            table.setdefault(key, []).append(kind + (name or str(number)))
    with capsys.disabled():
        print(f"\nseccomp {' '.join(options) or '(as it is)'}: {same} calls alike; ours, docker's, why, which:")
        for (why, mine, docker_s), which in sorted(table.items()):
            print(f"  {mine:6} {docker_s:6} {REASONS.get(why, 'NOT EXPLAINED')}: {shown(which)}")
    assert {key: which for key, which in table.items() if not key[0]} == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may read another process's filters")
def test_every_container_has_the_shipped_filter_and_no_other(persona: Persona):
    """Root's and an ordinary user's alike; PID 1 of --init and an exec have it too."""
    container = detached(persona, "--init", "base", "sleep", "1000")
    try:
        first = state(persona, container)["Pid"]
        with open(f"/proc/{first}/task/{first}/children", encoding="ascii") as file:
            program = int(file.read().split()[0])
        wanted = [shipped_x86_64.PROGRAMS[SHIPPED[0]]]
        assert filters_of(program) == wanted
        assert filters_of(first) == wanted
    finally:
        persona.ok("rm", "-f", container)


def _rule(*names: str, action: str = "ALLOW", **more: object) -> dict[str, object]:
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **more}


def _when(index: int, operator: str, value: int, value_two: int = 0) -> dict[str, object]:
    return {"index": index, "value": value, "valueTwo": value_two, "op": f"SCMP_CMP_{operator}"}


MAPPED = [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}]
# What a container needs to start at all, then rules about calls that it does not make.
WRITTEN: dict[str, dict[str, object]] = {
    "everything but": {
        "defaultAction": "SCMP_ACT_ALLOW",
        "archMap": MAPPED,
        "syscalls": [
            _rule("mkdir", action="ERRNO", errnoRet=28),
            _rule("rmdir", action="KILL_PROCESS", args=[_when(0, "EQ", 12)]),
            _rule("personality", action="ERRNO", args=[_when(0, "GT", 1 << 20), _when(1, "LE", 8)]),
            _rule("keyctl", action="ERRNO", args=[_when(0, "NE", 8)]),
            _rule("bpf", action="LOG"),
            _rule("swapon", action="TRAP", args=[_when(1, "MASKED_EQ", 0xFF00, 0x1100)]),
            _rule("swapoff", action="ERRNO", args=[_when(0, "EQ", 1), _when(0, "EQ", 3), _when(0, "GE", 1 << 20)]),
            _rule("acct", action="ERRNO", includes={"caps": ["CAP_CHOWN"], "minKernel": "4.0"}),
            _rule("reboot", action="ERRNO", excludes={"caps": ["CAP_CHOWN"]}),
            _rule("umount2", action="ERRNO", includes={"arches": ["s390x"]}),
        ],
    },
    "a plain rule among conditions": {  # and values that no i386 argument has: libseccomp would cut them off there
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            _rule("personality", action="ERRNO", args=[_when(0, "GT", 1 << 33)]),
            _rule("swapon", action="ERRNO", args=[_when(0, "MASKED_EQ", 3 << 31, 1 << 31)]),
            _rule("mkdir", action="ERRNO", errnoRet=5, args=[_when(0, "EQ", 12)]),
            _rule("mkdir", action="ERRNO", errnoRet=6),
            _rule("keyctl", action="ERRNO", errnoRet=7),
            _rule("keyctl", action="KILL_PROCESS", args=[_when(0, "EQ", 12)]),
        ],
    },
}


@pytest.mark.timeout(300)
@pytest.mark.personas("root")
@pytest.mark.parametrize("which", [*WRITTEN, "podman's"])
def test_a_written_profile_means_what_it_means_in_docker(persona: Persona, docker_daemon: DockerDaemon, which: str):
    """Alike for every call up to the newest that Debian's libseccomp knows, or refused where docker's is not."""
    podmans = Path("/usr/share/containers/seccomp.json")
    if which in WRITTEN:
        text = json.dumps(WRITTEN[which])
    elif podmans.exists():
        text = podmans.read_text()
    else:
        pytest.skip("needs golang-github-containers-common")
    option = ("--security-opt", f"seccomp={persona.path('profile.json', text)}")
    ours_id = detached(persona, *option, "base", "sleep", "1000")
    theirs_id = docker_daemon.ok("run", "-d", "--network", "none", *option, "base", "sleep", "1000")
    try:
        ours = filters_of(state(persona, ours_id)["Pid"])
        theirs = filters_of(docker_daemon.pid(theirs_id))
    finally:
        persona.ok("rm", "-f", ours_id)
        docker_daemon.ok("rm", "-f", theirs_id)
    different = []
    for architecture in (X86_64, I386):
        for number in range(NEWEST_OF_LIBSECCOMP + 1):
            mine, docker_s = verdicts(ours, architecture, number), verdicts(theirs, architecture, number)
            most = max(len(mine), len(docker_s))
            pairs = {(mine[at % len(mine)], docker_s[at % len(docker_s)]) for at in range(most)}
            name = NAMES[architecture].get(number, str(number))
            # Docker 20.10 does not know defaultErrnoRet, which podman's has: errnos count in the others.
            different += [
                (architecture == I386, name, word(left), word(right))
                for left, right in pairs
                if severity(left) > severity(right)
                or (left != right and severity(left) == severity(right) and which in WRITTEN)
            ]
    assert different == []
