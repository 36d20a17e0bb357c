"""The filter of system calls: what it refuses works when it is off; nobody in the container is without it."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.life.inside import detached, edit_start, one_sentence, sh, with_engine
from tests.personas import Persona

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")

# Each gives its errno, or 0: a call that the kernel alone would carry out.
_HEAD = """
import ctypes, json, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    longs = [ctypes.c_ulong(value) for value in (number, *arguments, *[0] * (6 - len(arguments)))]
    return 0 if libc.syscall(*longs) != -1 else ctypes.get_errno()
def call_32(number, first=0, second=0, third=0):
    "int 0x80 from a 64-bit program: the i386 table."
    code = b"\\x53\\x89\\xf8\\x89\\xf3\\x89\\xd1\\x44\\x89\\xc2\\xcd\\x80\\x5b\\xc3"
    # push rbx; mov eax,edi; mov ebx,esi; mov ecx,edx; mov edx,r8d; int 0x80; pop rbx; ret
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    function = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 5)(address)
    return max(0, -function(number, first, second, 0, third))
def low_memory(*words):
    "Words where a 32-bit pointer reaches."
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    address = libc.mmap(0x10000000, 4096, 3, 0x32, -1, 0)
    ctypes.memmove(address, b"".join(word.to_bytes(4, "little") for word in words), 4 * len(words))
    return address
def in_child(number, *arguments):
    "The same in a child, which ends at once if it is one more process."
    pid = os.fork()
    if pid == 0:
        os._exit(call(number, *arguments))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def personality():
    return in_child(135, 0x0400000)
"""
EPERM, ENOSYS = 1, 38
# What it is -> (how, its errno with the filter, its errno without: 0 is success).
ATTACKS: dict[str, tuple[str, int, int]] = {
    "a key ring of its own": ("call(250, 1, 0)", EPERM, 0),
    "a user namespace": ("in_child(272, 0x10000000)", EPERM, 0),
    "a user namespace by clone": ("in_child(56, 0x10000000 | 17)", EPERM, 0),
    "a user namespace by clone3": ("in_child(435, 0, 0)", ENOSYS, 22),
    "userfaultfd": ("call(323, 1)", EPERM, 0),
    "io_uring": ("call(425, 1, low_memory(*[0] * 30))", EPERM, 0),
    "a socket to the hypervisor": ("call(41, 40, 1, 0)", EPERM, 0),
    "the same with a bit that the kernel does not look at": ("call(41, 1 << 32 | 40, 1, 0)", EPERM, 0),
    "READ_IMPLIES_EXEC": ("personality()", EPERM, 0),
    "NUMA policies": ("in_child(238, 0, 0, 0)", EPERM, 0),
    "i386: a key ring": ("call_32(288, 1, 0)", EPERM, 0),
    "i386: a socket to the hypervisor": ("call_32(359, 40, 1, 0)", EPERM, 0),
    "i386: the same by socketcall": ("call_32(102, 1, low_memory(40, 1, 0))", EPERM, 0),
    "i386: userfaultfd": ("call_32(374, 1)", EPERM, 0),
}
# Refused by capabilities as well, or not in every kernel: their answers with the filter alone.
REFUSED = {
    "bpf": ("call(321, 0, 0, 0)", EPERM),
    "perf_event_open": ("call(298, 0, 0, 0, 0, 0)", EPERM),
    "mount": ("call(165, 0, 0, 0, 0, 0)", EPERM),
    "the kernel's crypto": ("call(41, 38, 5, 0)", EPERM),
    "i386: the kernel's crypto by socketcall": ("call_32(102, 1, low_memory(38, 5, 0))", EPERM),
    "kexec": ("call(246, 0, 0, 0, 0)", EPERM),
    "x32: getpid": ("call(0x40000000 + 39)", ENOSYS),
    "a call of the future": ("call(500)", ENOSYS),
}


def answers(persona: Persona, tries: list[str], *options: str, off: bool = False) -> list[int]:
    """What `tries` answer in a container, with the filter or with it taken out of the record."""
    script = _HEAD + f"print(json.dumps([{', '.join(tries)}]))"
    container = persona.ok("create", *options, "base", "python3", "-c", script)
    if off:
        edit_start(persona, container, take_out)
    found: list[int] = json.loads(persona.ok("start", "-a", container))
    persona.ok("rm", container)
    return found


def take_out(start: dict[str, Any]) -> None:
    del start["spec"]["linux"]["seccomp"]


def test_every_attack_is_refused_and_works_without_the_filter(persona: Persona):
    tries = [how for how, _, _ in ATTACKS.values()]
    refused, done = answers(persona, tries), answers(persona, tries, off=True)
    assert dict(zip(ATTACKS, refused, strict=True)) == {name: row[1] for name, row in ATTACKS.items()}
    assert dict(zip(ATTACKS, done, strict=True)) == {name: row[2] for name, row in ATTACKS.items()}


def test_what_else_is_refused(persona: Persona):
    found = answers(persona, [how for how, _ in REFUSED.values()])
    assert dict(zip(REFUSED, found, strict=True)) == {name: code for name, (_, code) in REFUSED.items()}


def test_a_capability_opens_its_calls(persona: Persona):
    """As in docker: SYS_ADMIN mounts, SYS_PTRACE compares, and the kernel still has its own say."""
    mount = "mount -t tmpfs none /mnt && echo mounted"
    assert sh(persona, mount, "--cap-add", "SYS_ADMIN") == "mounted"
    kcmp = "call(312, os.getpid(), os.getpid(), 1, 0, 0)"
    assert answers(persona, [kcmp]) == [EPERM]
    assert answers(persona, [kcmp], "--cap-add", "SYS_PTRACE") == [0]
    # Not one of the shipped programs: compiled when the container was made.
    vhangup = "call(237, 0, 0, 9, 0, 0, 0)"
    assert answers(persona, [vhangup]) == [EPERM]
    assert answers(persona, [vhangup], "--cap-add", "SYS_NICE") == [22]
    assert answers(persona, ["call(161, 0)"]) == [14]
    assert answers(persona, ["call(161, 0)"], "--cap-drop", "ALL") == [EPERM]


STATUS = "grep -h Seccomp: /proc/self/status /proc/1/status | cut -f2 | tr '\\n' ' '"


@pytest.mark.parametrize("options", [(), ("--init",), ("-u", "1000"), ("--cap-drop", "ALL"), ("--cap-add", "ALL")])
def test_nobody_in_the_container_is_without_it(persona: Persona, options: tuple[str, ...]):
    if "-u" in options and persona.name == "solo":
        options = ()  # there is no such id
    assert sh(persona, STATUS, *options) == "2 2 "


def test_an_exec_has_the_containers_own_filter(persona: Persona):
    container = detached(persona, "base", "sleep", "1000")
    try:
        assert persona.ok("exec", container, "sh", "-c", STATUS) == "2 2 "
        assert persona.cli("exec", container, "unshare", "-U", "true").exit_code == 1
    finally:
        persona.ok("rm", "-f", container)


def test_everyday_programs_notice_nothing(persona: Persona):
    script = (
        "import subprocess, threading, socket, tempfile, multiprocessing.dummy as m\n"
        "print(m.Pool(4).map(len, ['a', 'bc'])); subprocess.run(['true'], check=True)\n"
        "[socket.socket(f, k).close() for f in (1, 2, 10, 16) for k in (2,)]\n"
        "print(subprocess.run('echo out | cat', shell=True, capture_output=True, text=True).stdout)"
    )
    assert persona.ok("run", "--rm", "base", "python3", "-c", script).split() == ["[1,", "2]", "out"]


PROFILE = """{
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
        {"names": ["sethostname"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["no_such_call"], "action": "SCMP_ACT_KILL_PROCESS"}
    ]
}"""


def test_a_profile_of_ones_own(persona: Persona):
    """In place of the default, for run and exec; its file is read where one is, and kept as docker keeps it."""
    persona.path("profile.json", PROFILE)
    container = detached(persona, "--security-opt", "seccomp=profile.json", "base", "sleep", "1000")
    try:
        done = persona.cli("exec", container, "sh", "-c", "unshare -U true && echo shared out; mkdir /new")
        assert done.out == "shared out\n" and "No space left" in done.err, done
        kept = json.loads(persona.ok("inspect", container))[0]["HostConfig"]["SecurityOpt"]
        assert [json.loads(each.removeprefix("seccomp=")) for each in kept] == [json.loads(PROFILE)]
    finally:
        persona.ok("rm", "-f", container)
    assert "No space left" in persona.cli(
        "run", "--rm", "--security-opt", "seccomp=profile.json", "--init", "base", "mkdir", "/new"
    ).err  # fmt: skip


def test_unconfined_is_no_filter(persona: Persona):
    assert sh(persona, STATUS, "--security-opt", "seccomp=unconfined") == "0 0 "
    assert sh(persona, STATUS, "--security-opt", "seccomp=unconfined", "--security-opt", "seccomp=builtin") == "2 2 "


@pytest.mark.parametrize("options", [(), ("-u", "1000"), ("--init",)])
def test_without_no_new_privileges_the_filter_comes_earlier_and_is_there(persona: Persona, options: tuple[str, ...]):
    if "-u" in options and persona.name == "solo":
        options = ()
    off = ("--security-opt", "no-new-privileges=false")
    assert sh(persona, STATUS + "; grep NoNew /proc/self/status", *off, *options) == "2 2 NoNewPrivs:\t0"
    assert sh(persona, "grep NoNew /proc/self/status", "--security-opt", "no-new-privileges") == "NoNewPrivs:\t1"


def test_a_profile_that_kills(persona: Persona):
    """What the program may not do ends it; what the runtime itself still needs, it says by ending so too."""
    rules = [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]
    persona.path("kill.json", json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}))
    assert persona.cli("run", "--rm", "--security-opt", "seccomp=kill.json", "base", "mkdir", "/new").exit_code == 159
    persona.path("none.json", '{"defaultAction": "SCMP_ACT_KILL_PROCESS"}')
    assert persona.cli("run", "--rm", "--security-opt", "seccomp=none.json", "base", "true").exit_code == 159
    refuse = [{"names": ["execve", "execveat"], "action": "SCMP_ACT_ERRNO"}]
    persona.path("exec.json", json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": refuse}))
    done = persona.cli("run", "--rm", "--security-opt", "seccomp=exec.json", "base", "true")
    assert "operation not permitted" in one_sentence(done, code=126)


WRONG = {
    "seccomp=nosuch.json": "opening seccomp profile (nosuch.json) failed: No such file",
    "seccomp=text": "not JSON",
    "seccomp=wrong": "SCMP_ACT_ALLOW",
    "nonsense": "invalid --security-opt",
    "no-new-privileges=perhaps": "true or false",
}


@pytest.mark.personas("user")
def test_a_wrong_option_is_one_sentence(persona: Persona, nothing_left: None):
    persona.path("text", "no profile")
    persona.path("wrong", '{"defaultAction": "ALLOW"}')
    for option, says in WRONG.items():
        done = persona.cli("run", "--rm", "--security-opt", option, "base", "true")
        assert says in one_sentence(done, code=125)


def test_the_engines_keyword_and_info(persona: Persona):
    found = with_engine(
        persona,
        """
        def status(**options):
            return engine.run("base", ["sh", "-c", "grep -c Seccomp:.0 /proc/self/status"], remove=True, **options).text
        tell([status(), status(security_opt=["seccomp=unconfined"]), engine.info()["SecurityOptions"]])
        """,
    )
    rootless = [] if persona.is_root else ["name=rootless"]
    assert found == ["0\n", "1\n", ["name=seccomp,profile=builtin", "name=cgroupns", *rootless]]
