"""Profiles that others wrote: docker's form and OCI's, what is passed over and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ipycontainer.engine import security_options
from ipycontainer.errors import InputError, OptionError, Refused
from ipycontainer.oci.document import Document
from ipycontainer.runtime.seccomp_profile import docker, given_seccomp
from ipycontainer.runtime.seccomp_profile.compile import compiled
from ipycontainer.runtime.seccomp_profile.document import read
from ipycontainer.runtime.seccomp_profile.profile import ALLOW, ENOSYS, ERRNO
from tests import bpf_machine
from tests.bpf_machine import EPERM, I386, X86_64

PODMANS = Path("/usr/share/containers/seccomp.json")


def program(profile: dict[str, Any], *capabilities: str, kernel: tuple[int, int] = (6, 1)) -> bytes:
    found = read(Document.build(profile, "it"), "x86_64", kernel, frozenset(capabilities))
    assert found is not None
    made = compiled(found.profile)
    bpf_machine.check(made)
    return made


def verdict(profile: dict[str, Any], number: int, *capabilities: str, **options: Any) -> int:
    return bpf_machine.run(program(profile, *capabilities, **options), number, X86_64)


def allow(*names: str, **more: Any) -> dict[str, Any]:
    return {"names": list(names), "action": "SCMP_ACT_ALLOW", **more}


def test_both_forms():
    oci = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [allow("read")]}
    assert verdict(oci, 0) == ALLOW and verdict(oci, 1) == ERRNO | ENOSYS
    assert bpf_machine.run(program(oci), 3, I386) == bpf_machine.KILL_PROCESS
    mapping = {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}
    dockers = {"defaultAction": "SCMP_ACT_ERRNO", "archMap": [mapping], "syscalls": [allow("write", "read")]}
    assert verdict(dockers, 0) == ALLOW and bpf_machine.run(program(dockers), 3, I386) == ALLOW
    old = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"name": "write", "action": "SCMP_ACT_ALLOW"}]}
    assert verdict(old, 1) == ALLOW and verdict(old, 0) == EPERM


def test_errno_of_the_default_and_of_a_rule():
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 13,
        "syscalls": [{"names": ["write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}, allow("open")],
    }
    assert [verdict(profile, number) for number in (0, 1, 2)] == [ERRNO | 13, ERRNO | 5, ALLOW]
    # What came after the profile was written does not exist; where the default lets through, it lets that through.
    assert verdict(profile, 470) == ERRNO | ENOSYS
    denied = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO"}]}
    assert verdict(denied, 470) == ALLOW and verdict(denied, bpf_machine.X32) == ERRNO | ENOSYS


def test_includes_and_excludes():
    def when(**more: Any) -> dict[str, Any]:
        return {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [allow("read", **more), allow("write")]}

    assert verdict(when(includes={"caps": ["CAP_SYS_TIME"]}), 0) == EPERM
    assert verdict(when(includes={"caps": ["CAP_SYS_TIME"]}), 0, "CAP_SYS_TIME") == ALLOW
    assert verdict(when(excludes={"caps": ["CAP_SYS_TIME"]}), 0, "CAP_SYS_TIME") == EPERM
    assert verdict(when(includes={"arches": ["amd64", "arm64"]}), 0) == ALLOW
    assert verdict(when(includes={"arches": ["s390x"]}), 0) == EPERM
    assert verdict(when(excludes={"arches": ["amd64"]}), 0) == EPERM
    assert verdict(when(includes={"minKernel": "5.10"}), 0, kernel=(5, 9)) == EPERM
    assert verdict(when(includes={"minKernel": "5.10"}), 0, kernel=(5, 10)) == ALLOW
    assert verdict(when(excludes={"minKernel": "5.10"}), 0, kernel=(5, 10)) == EPERM


def test_conditions():
    def about(*arguments: dict[str, Any]) -> bytes:
        return program({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [allow("read", args=list(arguments))]})

    both = about({"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 9, "op": "SCMP_CMP_GT"})
    assert bpf_machine.run(both, 0, X86_64, [1, 10]) == ALLOW
    assert bpf_machine.run(both, 0, X86_64, [1, 9]) == EPERM
    either = about({"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 9, "op": "SCMP_CMP_EQ"})
    assert [bpf_machine.run(either, 0, X86_64, [value]) for value in (1, 9, 5)] == [ALLOW, ALLOW, EPERM]


def test_a_name_of_no_call_is_passed_over_and_no_rules_are_no_filter():
    assert verdict({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [allow("nosuch", "read")]}, 0) == ALLOW
    assert given_seccomp("{}", []) is None
    assert given_seccomp('{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}', []) == {
        "program": compiled(docker.default_profile("x86_64", (6, 1), frozenset()).replace(
            default=ALLOW, rules=(), architectures=("SCMP_ARCH_X86_64",), gaps_are_unknown=False)).hex(),
        "options": ["LOG"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "says"),
    [
        ('{"defaultAction": "X"}', "SCMP_ACT_ALLOW"),
        ('{"defaultAction": 1}', "a string"),
        ('{"syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}', "defaultAction"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "archMap": [{}]}', "use either"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["X86"]}', "SCMP_ARCH_X86_64"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_ALLOW"}', "twice"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}', "left out"),
        ('{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4096}', "4095"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_LOG"}]}', "at least one"),
        (
            '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls":[{"name": "a", "names": ["b"], "action": "SCMP_ACT_LOG"}]}',
            "use either",
        ),
        (
            '{"syscalls": [{"names": ["a"], "action": "SCMP_ACT_LOG", "args": [{"index": 6, "op": "SCMP_CMP_EQ"}]}]}',
            "six arguments",
        ),
        ('{"defaultAction": "SCMP_ACT_NOTIFY"}', "no agent"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x"}', "no agent"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NEW_LISTENER"]}', "SPEC_ALLOW"),
        ("[]", "object"),
        ("{", "JSON"),
    ],
)
def test_what_is_refused_says_where(profile: str, says: str):
    with pytest.raises((InputError, Refused), match=says):
        given_seccomp(profile, [])


@pytest.mark.skipif(not PODMANS.exists(), reason="needs golang-github-containers-common for podman's profile")
def test_podmans_profile_compiles():
    profile = json.loads(PODMANS.read_text())
    assert verdict(profile, 0) == ALLOW and verdict(profile, 165, "CAP_SYS_ADMIN") == ALLOW
    assert verdict(profile, 246) == EPERM and verdict(profile, 500) == ERRNO | ENOSYS


def test_security_options(tmp_path: Path):
    (tmp_path / "p.json").write_text('{ "defaultAction": "SCMP_ACT_ALLOW" }')
    kept = security_options.read_files(["seccomp=p.json", "no-new-privileges"], str(tmp_path))
    assert kept == ('seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', "no-new-privileges")
    assert security_options.parse(kept).no_new_privileges
    assert security_options.read_files(kept, "/") == kept
    old = security_options.parse(["seccomp:unconfined", "no-new-privileges:false"])
    assert (old.seccomp, old.no_new_privileges) == ("unconfined", False)
    assert security_options.seccomp_part(old, []) == {}
    for wrong in ("x", "seccomp", "seccomp=", "no-new-privileges=2", "foo=bar", "seccomp=nosuch"):
        with pytest.raises(OptionError):
            security_options.read_files([wrong], str(tmp_path))
