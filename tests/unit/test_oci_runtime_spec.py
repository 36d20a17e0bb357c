"""The runtime spec: what is right reads back, what is wrong is named by its path."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.errors import DocumentError
from ipycontainer.oci import runtime_spec
from ipycontainer.oci.document import Document
from tests.unit.test_oci_document import json_values

SPEC: dict[str, Any] = {
    "ociVersion": "1.0.2",
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "box",
    "process": {
        "args": ["sh", "-c", "true"],
        "cwd": "/",
        "env": ["A=b"],
        "user": {"uid": 1, "gid": 2, "additionalGids": [3], "umask": 0o22},
        "terminal": True,
        "consoleSize": {"height": 24, "width": 80},
        "capabilities": {"bounding": ["CAP_CHOWN"], "effective": []},
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2**64 - 1}],
        "noNewPrivileges": True,
    },
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]},
        {"destination": "data"},
    ],
    "hooks": {"poststop": [{"path": "/bin/true", "args": ["true"], "timeout": 3}]},
    "annotations": {"a": "b"},
    "linux": {
        "namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}],
        "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 65536}],
        "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438}],
        "cgroupsPath": "/box",
        "resources": {
            "memory": {"limit": 67108864, "swap": -1},
            "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0-1"},
            "pids": {"limit": 32},
            "devices": [
                {"allow": False, "access": "rwm"},
                {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rw"},
            ],
            "unified": {"memory.high": "1"},
        },
        "sysctl": {"net.ipv4.ip_forward": "1"},
        "maskedPaths": ["/proc/kcore"],
        "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"]}]},
        "rootfsPropagation": "rslave",
        "later": {"unknown": 1},
    },
}


def test_everything_is_read():
    spec = runtime_spec.build(copy.deepcopy(SPEC))
    assert spec.root == runtime_spec.Root("rootfs", True)
    assert spec.process is not None
    assert spec.process.args == ("sh", "-c", "true")
    assert spec.process.user == runtime_spec.User(1, 2, (3,), 0o22)
    assert spec.process.console_size == (24, 80)
    assert spec.process.capabilities is not None
    assert spec.process.capabilities["bounding"] == ("CAP_CHOWN",)
    assert spec.process.rlimits == (runtime_spec.Rlimit("RLIMIT_NOFILE", 1, 2**64 - 1),)
    assert spec.mounts[0].options == ("nosuid",)
    assert spec.mounts[1].destination == "/data", "old bundles leave the slash out"
    assert spec.linux.namespace("network") == runtime_spec.Namespace("network", "/proc/1/ns/net")
    assert spec.linux.namespace("user") is None
    assert spec.linux.resources.memory.limit == 67108864
    assert spec.linux.resources.pids == 32
    assert spec.linux.resources.devices[0].major is None
    assert spec.linux.seccomp == SPEC["linux"]["seccomp"]
    assert spec.hooks["poststop"][0].timeout == 3
    assert spec.document.mapping() == SPEC, "what is not known stays in the document"


WRONG = [
    ("ociVersion", "2.0", "a version 1.x"),
    ("root", None, "root must be an object"),
    ("root.path", 3, "root.path must be a string, not 3"),
    ("root.path", "a\0b", "root.path must be without NUL"),
    ("process.args", [], "process.args must be a list with at least"),
    ("process.args", ["sh", 3], r"process.args\[1\] must be a string"),
    ("process.args", ["a\0b"], r"process.args\[0\] must be without NUL"),
    ("process.cwd", "here", "process.cwd must be an absolute path"),
    ("process.user.uid", -1, "process.user.uid must be an id between 0 and 4294967294"),
    ("process.user.uid", 2**32 - 1, "process.user.uid must be an id"),
    ("process.user.gid", 2**32, "process.user.gid must be an id"),
    ("process.user.additionalGids", ["x"], r"process.user.additionalGids\[0\]"),
    ("process.terminal", "yes", "process.terminal must be true or false"),
    ("process.capabilities.bounding", ["CHOWN"], r"process.capabilities.bounding\[0\] must be a capability"),
    ("process.rlimits", [{"type": "NOFILE", "soft": 1, "hard": 1}], r"rlimits\[0\].type"),
    ("process.rlimits", [{"type": "RLIMIT_CPU", "soft": -1, "hard": 1}], r"rlimits\[0\].soft"),
    ("process.rlimits", [{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}] * 2, r"rlimits\[1\].type must be named once"),
    ("mounts", [{"source": "x"}], r"mounts\[0\].destination must be a string, not missing"),
    ("mounts", [{"destination": ""}], r"mounts\[0\].destination"),
    ("linux.namespaces", [{"type": "disk"}], r"linux.namespaces\[0\].type must be one of pid, "),
    ("linux.namespaces", [{"type": "pid"}, {"type": "pid"}], "names 'pid' twice"),
    ("linux.namespaces", [{"type": "pid", "path": "x"}], r"namespaces\[0\].path must be an absolute path"),
    ("linux.uidMappings", [{"containerID": 0, "hostID": 0, "size": 0}], r"uidMappings\[0\].size"),
    ("linux.devices", [{"path": "/dev/x", "type": "z"}], r"linux.devices\[0\].type"),
    ("linux.resources.memory.limit", "64m", "linux.resources.memory.limit must be a whole number"),
    ("linux.resources.memory.limit", -2, "memory.limit must be at least -1"),
    ("linux.resources.devices", [{"allow": True, "access": "x"}], r"devices\[0\].access must be letters of rwm"),
    ("linux.sysctl", {"a": 1}, "linux.sysctl.a must be a string"),
    ("linux.maskedPaths", ["proc"], r"linux.maskedPaths\[0\] must be an absolute path"),
    ("linux.rootfsPropagation", "sideways", "linux.rootfsPropagation"),
    ("hooks.poststop", [{"path": "true"}], r"hooks.poststop\[0\].path must be an absolute path"),
    ("hooks.poststop", [{"path": "/t", "timeout": 0}], r"timeout must be more than zero"),
]  # fmt: skip


def wrong(path: str, value: Any) -> dict[str, Any]:
    spec = copy.deepcopy(SPEC)
    place = spec
    *above, last = path.split(".")
    for step in above:
        place = place[step]
    place[last] = value
    return spec


@pytest.mark.parametrize(("path", "value", "sentence"), WRONG)
def test_what_does_not_fit_is_named(path: str, value: Any, sentence: str):
    with pytest.raises(DocumentError, match=sentence):
        runtime_spec.read(Document.build(wrong(path, value), "config.json"))


def paths(value: Any, prefix: str = "") -> list[str]:
    if not isinstance(value, dict):
        return []
    found = []
    for name, inner in value.items():
        if "." not in name:
            found += [prefix + name, *paths(inner, f"{prefix}{name}.")]
    return found


@given(st.sampled_from(paths(SPEC)), json_values)
def test_any_value_anywhere_is_taken_or_refused_as_a_document_error(path: str, value: Any):
    try:
        document = Document.build(wrong(path, value), "config.json")
    except (DocumentError, UnicodeEncodeError):
        return
    try:
        runtime_spec.read(document)
    except DocumentError as error:
        assert str(error).startswith("config.json")
