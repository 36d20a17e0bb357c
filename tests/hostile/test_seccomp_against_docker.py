"""The verdict on every system call, ours beside docker's own: read from the filters of two running containers."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ipycontainer.runtime.seccomp_profile import SHIPPED, numbers, shipped_x86_64
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
            plain = [each for each in which if not each.startswith("x32")]
            some = " ".join(plain) + (f", and {len(which) - len(plain)} of x32" if len(which) > len(plain) else "")
            print(f"  {mine:6} {docker_s:6} {REASONS.get(why, 'NOT EXPLAINED')}: {some}")
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
