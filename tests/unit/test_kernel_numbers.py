"""Every number that we give to the kernel is the one in its headers: a wrong one does something else, silently."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ipycontainer.linux import (
    capability_names,
    descriptors,
    links,
    mounts,
    namespaces,
    prctl,
    syscalls,
    terminal,
    trial,
)
from tests.linux import poor_host

INCLUDE = Path("/usr/include")
HEADERS = "sched mount prctl openat2 close_range capability seccomp sockios if fcntl".split()
ASM = "fcntl signal ioctls".split()

pytestmark = pytest.mark.skipif(not (INCLUDE / "linux/openat2.h").exists(), reason="no kernel headers here")

MODULES = (mounts, namespaces, prctl, descriptors, terminal, links, trial)
FAMILIES = (
    "MS_",
    "MNT_",
    "FSCONFIG_",
    "FSMOUNT_",
    "FSOPEN_",
    "MOVE_MOUNT_",
    "OPEN_TREE_",
    "AT_",
    "MOUNT_ATTR_",
    "CLONE_",
)
FAMILIES += ("SIG", "PR_", "RESOLVE_", "CLOSE_RANGE_", "TIOC", "SIOC", "IFF_", "SECCOMP_")
# Defined by expressions that only a C compiler reads; what they name is tested by using them.
UNREADABLE = {"OPEN_TREE_CLOEXEC", "TIOCGPTN", "TIOCSPTLCK", "TIOCGPTPEER", "MNT_DETACH", "AT_FDCWD"}


def number(words):
    """The value of a C constant expression of the plain kinds, else None."""
    plain = re.sub(r"(?<=[0-9a-fA-F])(ULL|UL|U|L)\b", "", words.split("/*")[0].strip().strip("()"))
    if match := re.fullmatch(r"(\w+)\s*<<\s*(\d+)", plain):
        return int(match[1], 0) << int(match[2])
    if re.fullmatch(r"0[0-7]+", plain):
        return int(plain, 8)
    return int(plain, 0) if re.fullmatch(r"-?\d+|0[xX][0-9a-fA-F]+", plain) else None


def defined(path):
    """name -> value of the #define and enum lines of a header."""
    found = {}
    for line in path.read_text().splitlines():
        match = re.match(r"\s*#\s*define\s+(\w+)\s+(.+)", line) or re.match(r"\s*(\w+)\s*=\s*([^,]+),", line)
        if match and (value := number(match[2])) is not None:
            found.setdefault(match[1], value)
    return found


@pytest.fixture(scope="module")
def header():
    everything = {}
    for place in [
        *(INCLUDE / f"linux/{name}.h" for name in HEADERS),
        *(INCLUDE / f"asm-generic/{name}.h" for name in ASM),
    ]:
        everything |= {name: value for name, value in defined(INCLUDE / place).items() if name not in everything}
    # An enum without values counts from 0.
    listed = re.search(r"enum fsconfig_command \{(.*?)\}", (INCLUDE / "linux/mount.h").read_text(), re.S)
    names = re.findall(r"(FSCONFIG_\w+)", listed[1])
    return everything | {name: place for place, name in enumerate(names) if name not in everything}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_constants(module, header):
    compared = 0
    for name, value in vars(module).items():
        plain = name.lstrip("_")
        if not plain.startswith(FAMILIES) or plain in UNREADABLE or not isinstance(value, int):
            continue
        assert plain in header, plain
        assert value == header[plain], plain
        compared += 1
    assert compared > 0


def test_capabilities_in_the_headers_order(header):
    for place, name in enumerate(capability_names.NAMES):
        assert header[f"CAP_{name}"] == place


def test_filter_answers(header):
    seccomp = defined(INCLUDE / "linux/seccomp.h")
    assert poor_host.RET_ALLOW == seccomp["SECCOMP_RET_ALLOW"]
    assert poor_host.RET_ERRNO == seccomp["SECCOMP_RET_ERRNO"]
    assert poor_host.RET_KILL_PROCESS == seccomp["SECCOMP_RET_KILL_PROCESS"]


def table(machine):
    """name -> number of the system calls of an architecture, where this machine has its header."""
    places = {
        "x86_64": ["x86_64-linux-gnu/asm/unistd_64.h", "asm/unistd_64.h"],
        "aarch64": ["asm-generic/unistd.h"],  # arm64 uses the generic table
    }
    for place in places[machine]:
        if (INCLUDE / place).exists():
            found = defined(INCLUDE / place)
            # asm-generic hides a few behind __NR3264_ names
            return {name.replace("__NR3264_", "__NR_"): value for name, value in found.items()}
    return None


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_system_calls(machine):
    kernel = table(machine)
    if kernel is None:
        return  # another architecture's machine: its own table is the one that counts here
    ours = {**syscalls._SHARED, **syscalls._BY_MACHINE[machine], **poor_host.NUMBERS[machine]}
    assert len(ours) > 10
    for name, value in ours.items():
        assert kernel[f"__NR_{name}"] == value, name
