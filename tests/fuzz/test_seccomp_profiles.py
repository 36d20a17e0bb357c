"""seccomp profiles that are nearly right, and files that are none: nothing but our own errors, and no hang."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ipycontainer.engine import security_options
from ipycontainer.errors import Error, InputError
from ipycontainer.runtime.seccomp_profile import given_seccomp
from ipycontainer.runtime.seccomp_profile.profile import ALLOW, ENOSYS, ERRNO
from tests import bpf_machine
from tests.bpf_machine import EPERM, X86_64

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")

_words = some.sampled_from(
    "SCMP_ACT_ALLOW SCMP_ACT_ERRNO SCMP_ACT_KILL SCMP_ACT_TRACE SCMP_ACT_NOTIFY SCMP_CMP_EQ SCMP_CMP_MASKED_EQ "
    "SCMP_CMP_LT SCMP_ARCH_X86 SCMP_ARCH_X86_64 SCMP_ARCH_MIPS read socket clone nosuch amd64 CAP_SYS_ADMIN 4.8 "
    "SECCOMP_FILTER_FLAG_LOG".split()
)
_plain = some.one_of(some.none(), some.booleans(), some.integers(-(2**65), 2**65), some.floats(allow_nan=False), _words,
                     some.text(max_size=5))  # fmt: skip
_fields = some.sampled_from(
    "defaultAction defaultErrnoRet architectures archMap architecture subArchitectures syscalls names name action "
    "errnoRet args index value valueTwo op includes excludes caps arches minKernel flags listenerPath".split()
)
_anything = some.recursive(
    _plain,
    lambda inner: some.one_of(some.lists(inner, max_size=4), some.dictionaries(_fields, inner, max_size=5)),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(some.dictionaries(_fields, _anything, max_size=8))
def test_any_document_is_read_or_refused(profile: dict[str, Any]):
    try:
        found = given_seccomp(json.dumps(profile), ["CAP_SYS_ADMIN"])
    except Error:
        return
    if found is not None:
        bpf_machine.check(bytes.fromhex(found["program"]))


_condition = some.fixed_dictionaries(
    {"index": some.integers(0, 5), "value": some.integers(0, 2**64 - 1), "valueTwo": some.integers(0, 2**64 - 1),
     "op": some.sampled_from(["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"]).map("SCMP_CMP_{}".format)}
)  # fmt: skip
_rule = some.fixed_dictionaries(
    {"names": some.lists(some.sampled_from(["read", "write", "clone", "socket", "x"]), min_size=1, max_size=3),
     "action": some.sampled_from(["ALLOW", "ERRNO", "KILL_PROCESS", "TRAP", "LOG"]).map("SCMP_ACT_{}".format),
     "args": some.lists(_condition, max_size=4)}
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(some.sampled_from(["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"]), some.lists(_rule, max_size=12), some.data())
def test_no_profile_lets_through_what_its_default_and_all_its_rules_refuse(
    default: str, rules: list[dict[str, Any]], data: some.DataObject
):
    found = given_seccomp(json.dumps({"defaultAction": default, "syscalls": rules}), [])
    assert found is not None
    made = bytes.fromhex(found["program"])
    bpf_machine.check(made)
    arguments = data.draw(some.lists(some.integers(0, 2**64 - 1), min_size=6, max_size=6))
    for name, number in (("read", 0), ("write", 1), ("socket", 41), ("clone", 56)):
        about = {rule["action"] for rule in rules if name in rule["names"]} | {default}
        answer = bpf_machine.run(made, number, X86_64, arguments)
        words = {"SCMP_ACT_ALLOW": ALLOW, "SCMP_ACT_ERRNO": EPERM, "SCMP_ACT_KILL_PROCESS": 0x80000000,
                 "SCMP_ACT_TRAP": 0x30000, "SCMP_ACT_LOG": 0x7FFC0000}  # fmt: skip
        assert answer in {words[action] for action in about} | {ERRNO | ENOSYS}


@settings(max_examples=100, deadline=None)
@given(some.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes):
    path = tmp_path_factory.mktemp("p") / "p.json"
    path.write_bytes(raw)
    with pytest.raises(Error):
        security_options.read_files([f"seccomp={path}"], "/")


def test_the_largest_profiles_are_refused_soon():
    """Four megabytes of rules, and names in numbers: what is compiled ends where the kernel's limit is."""
    began = time.monotonic()
    rule = {"names": ["read"], "action": "SCMP_ACT_ALLOW"}
    many = [{**rule, "args": [{"index": 0, "value": 3 * number, "op": "SCMP_CMP_EQ"}]} for number in range(8_000)]
    with pytest.raises(InputError, match="4096"):
        given_seccomp(json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": many}), [])
    masked = [{**rule, "args": [{"index": 0, "value": number, "op": "SCMP_CMP_MASKED_EQ"}]} for number in range(8_000)]
    with pytest.raises(InputError, match="4096"):
        given_seccomp(json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": masked}), [])
    names = {"names": ["x"] * 400_000, "action": "SCMP_ACT_ALLOW"}
    assert given_seccomp(json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [names]}), []) is not None
    assert time.monotonic() - began < 60
