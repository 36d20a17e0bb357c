"""The default profile, and the compiler: every number and sampled arguments, by a machine for BPF and by the kernel."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import random
import runpy
from pathlib import Path

import pytest

from ipycontainer.errors import InputError, Refused
from ipycontainer.linux import prctl, seccomp
from ipycontainer.runtime import seccomp_profile
from ipycontainer.runtime.seccomp_profile import docker, numbers
from ipycontainer.runtime.seccomp_profile.compile import compiled
from ipycontainer.runtime.seccomp_profile.profile import (
    ALLOW,
    ERRNO,
    KILL_PROCESS,
    LOG,
    Condition,
    Profile,
    Rule,
    severity,
)
from tests import bpf_machine
from tests.bpf_machine import AARCH64, ENOSYS, EPERM, I386, X32, X86_64

TABLES = {
    X86_64: numbers.numbers(numbers.X86_64),
    I386: numbers.numbers(numbers.I386),
    AARCH64: numbers.numbers(numbers.AARCH64),
}
OURS = {"x86_64": (X86_64, I386), "aarch64": (AARCH64,)}
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "seccomp_programs.py"
FOURTEEN = frozenset(
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL "
    "AUDIT_WRITE".split()
)
SETS = [FOURTEEN, frozenset[str](), *(FOURTEEN | {name} for name in docker.BY_CAPABILITY)]
# Values around every bound that a rule has, and beyond 32 bits.
SAMPLES = sorted(
    {0, 1, 2, 11, 12, 13, 16, 37, 38, 39, 40, 41, 45, 46, 255, 0x8, 0x20000, 0x20008, 0x40000, 0xFFFFFFFF, 0x1FFFFFFFF}
    | {1 << bit for bit in range(0, 64, 3)}
    | {0x7E020000, 17 | 0x7E020000, 17, 0x01200011, 1 << 32 | 40, 1 << 32 | 38, (1 << 64) - 1}
)


def holds(condition: Condition, arguments: list[int]) -> bool:
    value = arguments[condition.index]
    if condition.operator == "MASKED_EQ":
        return value & condition.value == condition.value_two
    wanted = condition.value
    return {
        "EQ": value == wanted, "NE": value != wanted, "LT": value < wanted, "LE": value <= wanted,
        "GT": value > wanted, "GE": value >= wanted,
    }[condition.operator]  # fmt: skip


@pytest.mark.parametrize("machine", list(OURS))
@pytest.mark.parametrize("capabilities", SETS, ids=lambda names: "+".join(sorted(names - FOURTEEN)) or str(len(names)))
def test_every_number_has_the_verdict_that_the_table_says(machine: str, capabilities: frozenset[str]):
    profile = docker.default_profile(machine, (6, 1), capabilities)
    program = compiled(profile)
    bpf_machine.check(program)
    by_name: dict[str, list[Rule]] = {}
    for rule in profile.rules:
        for name in rule.names:
            by_name.setdefault(name, []).append(rule)
    for architecture in OURS[machine]:
        names = {number: name for name, number in TABLES[architecture].items()}
        newest = max(number for number, name in names.items() if name in by_name)
        for number in [*range(520), X32 - 1]:
            rules = by_name.get(names.get(number, ""), [])
            for value in SAMPLES if any(rule.conditions for rule in rules) else (0,):
                arguments = [value, 7, 7, 7, 7, 7]
                wanted = EPERM if number in names and number <= newest else ENOSYS
                for rule in rules:
                    if all(holds(condition, arguments) for condition in rule.conditions):
                        wanted = rule.action
                        break
                found = bpf_machine.run(program, number, architecture, arguments)
                assert found == wanted, (names.get(number), number, hex(value))


@pytest.mark.parametrize("name", seccomp_profile.SHIPPED)
def test_no_x32_call_and_no_other_architecture(name: str):
    program = seccomp_profile.compile_default(name, "x86_64")
    assert {bpf_machine.run(program, X32 | number, X86_64) for number in range(600)} == {ENOSYS}
    assert {bpf_machine.run(program, 0xFFFFFFFF, each) for each in (X86_64, I386)} == {ENOSYS}
    others = (AARCH64, 0, 0x40000028, 0xC0000015)
    assert {bpf_machine.run(program, 0, other) for other in others} == {bpf_machine.KILL_PROCESS}


@pytest.mark.parametrize("machine", list(OURS))
def test_the_shipped_programs_are_what_the_table_says(machine: str):
    script = runpy.run_path(str(SCRIPT))
    assert (script["FOLDER"] / f"shipped_{machine}.py").read_text() == script["text"](machine), f"run {SCRIPT.name}"


def test_another_machine_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    assert set(seccomp_profile.MACHINES) == set(docker.ARCHITECTURES)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "box", "6.1.0", "#1", "riscv64")))
    with pytest.raises(Refused, match="riscv64"):
        seccomp_profile.default_seccomp([])
    with pytest.raises(Refused, match="riscv64"):
        seccomp_profile.given_seccomp("{}", [])


def test_the_name_has_the_capabilities_that_matter():
    assert seccomp_profile._MATTER == set(docker.BY_CAPABILITY)
    assert seccomp_profile.default_name([f"CAP_{name}" for name in sorted(FOURTEEN)]) == seccomp_profile.SHIPPED[0]
    assert seccomp_profile.default_seccomp(["CAP_NET_ADMIN"]) == {"program": "builtin:"}
    other = seccomp_profile.default_seccomp(["CAP_SYS_TIME"])["program"]
    assert bytes.fromhex(other) == seccomp_profile.compile_default("builtin:SYS_TIME", os.uname().machine)


def test_every_name_of_the_table_is_a_call_somewhere():
    """A slip of the pen would be a call that is silently not allowed."""
    elsewhere = {"arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush", "set_tls",
                 "riscv_hwprobe", "recv", "send"}  # fmt: skip
    known = set().union(*TABLES.values())
    named = set(docker.ALWAYS.split()).union(*(names.split() for names in docker.BY_CAPABILITY.values()))
    assert named - known == elsewhere - set(docker.BY_ARCHITECTURE["SCMP_ARCH_AARCH64"].split())


def test_our_numbers_are_this_machines_headers():
    for file, table in (("unistd_64.h", TABLES[X86_64]), ("unistd_32.h", TABLES[I386])):
        path = Path("/usr/include/x86_64-linux-gnu/asm") / file
        if not path.exists():
            continue  # linux-libc-dev
        words = [line.split() for line in path.read_text().splitlines() if line.startswith("#define __NR_")]
        theirs = {word[1].removeprefix("__NR_"): int(word[2]) for word in words if word[2].isdecimal()}
        # A newer kernel's headers have calls that ours does not know, and so answers with ENOSYS.
        newest = max(table.values())
        theirs = {name: number for name, number in theirs.items() if number <= newest}
        assert {name: table.get(name) for name in theirs} == theirs


@pytest.mark.parametrize("seed", range(20))
def test_any_rules_compile_to_what_they_say(seed: int):
    """Rules of one action, drawn: with the default they mean the same in any order."""
    dice = random.Random(seed)
    names = list(TABLES[X86_64])
    default, action = dice.choice([(ERRNO | 1, ALLOW), (ALLOW, ERRNO | 13), (KILL_PROCESS, LOG)])
    rules = []
    for _ in range(dice.choice([1, 5, 60, 300])):
        conditions = [
            Condition(index, dice.choice(["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"]), dice.choice(SAMPLES),
                      dice.choice(SAMPLES))
            for index in dice.sample(range(6), dice.choice([0, 1, 1, 1, 2, 3]))
        ]  # fmt: skip
        rules.append(Rule((dice.choice(names),), action, tuple(conditions)))
    profile = Profile(default, ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"), tuple(rules))
    program = compiled(profile)
    bpf_machine.check(program)
    for architecture in (X86_64, I386):
        table = TABLES[architecture]
        for name in {name for rule in rules for name in rule.names if name in table}:
            about = [rule for rule in rules if name in rule.names]
            for _ in range(5):
                arguments = [dice.choice(SAMPLES) for _ in range(6)]
                hit = any(all(holds(condition, arguments) for condition in rule.conditions) for rule in about)
                found = bpf_machine.run(program, table[name], architecture, arguments)
                assert found == (action if hit else default), (name, arguments)


def test_a_profile_that_is_too_long_is_refused():
    conditions = [Condition(index, "MASKED_EQ", 1 << 40 | 1, 1) for index in range(6)]
    rules = [
        Rule(("read",), ALLOW, tuple(condition.replace(value_two=n) for condition in conditions)) for n in range(999)
    ]
    with pytest.raises(InputError, match="4096"):
        compiled(Profile(ERRNO | 1, ("SCMP_ARCH_X86_64",), tuple(rules)))


def test_a_milder_condition_gives_way_to_a_plain_rule():
    """Nothing is let through that docker would not let through."""
    cases = [
        (ERRNO | 1, [(ALLOW, True), (ERRNO | 2, False)], ERRNO | 2),
        (ERRNO | 1, [(ERRNO | 2, False), (ALLOW, True)], ERRNO | 2),
        (ALLOW, [(ERRNO | 2, True), (LOG, False)], ERRNO | 2),
        (ERRNO | 1, [(ERRNO | 1, True), (ALLOW, False)], ERRNO | 1),
        (ERRNO | 1, [(ALLOW, False), (ERRNO | 2, False)], ALLOW),
        (ERRNO | 1, [(ERRNO | 1, False), (ALLOW, False)], ALLOW),
    ]
    for default, rules, verdict in cases:
        given = tuple(
            Rule(("read",), action, (Condition(0, "EQ", 7),) if conditional else ()) for action, conditional in rules
        )
        program = compiled(Profile(default, ("SCMP_ARCH_X86_64",), given))
        assert bpf_machine.run(program, 0, X86_64, [7]) == verdict, (default, rules)
    assert severity(KILL_PROCESS) < severity(0) < severity(ERRNO) < severity(ALLOW)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
def test_the_kernel_takes_every_shipped_program_and_reads_it_alike():
    libc = ctypes.CDLL(None, use_errno=True)
    for name in seccomp_profile.SHIPPED:
        program = seccomp_profile.compile_default(name, "x86_64")
        # Calls that can be made by anyone without harm, with arguments that lead nowhere.
        probes = [(103, (99,)), (135, (0x40000,)), (135, (0xFFFFFFFF,)), (250, (99,)), (272, (0x10000000,)), (425, ()),
                  (56, (0x10000000,)), (435, ()), (468, ()), (41, (40, 1, 0)), (41, (38, 5, 0)), (340, ()),
                  (161, (0,))]  # fmt: skip
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                prctl.set_no_new_privs()
                seccomp.load(program)
                found = []
                for number, arguments in probes:
                    longs = [ctypes.c_ulong(value) for value in (number, *arguments, 0, 0, 0)]
                    answer = libc.syscall(*longs)
                    found.append(0 if answer != -1 else ctypes.get_errno())
                os.write(writer, json.dumps(found).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as file:
            found = json.loads(file.read())
        os.waitpid(pid, 0)
        for (number, arguments), code in zip(probes, found, strict=True):
            verdict = bpf_machine.run(program, number, X86_64, arguments)
            if verdict in (EPERM, ENOSYS):
                assert code == verdict & 0xFFFF, (name, number, errno.errorcode.get(code))
