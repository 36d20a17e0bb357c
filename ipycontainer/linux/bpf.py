"""Device programs of cgroup v2: a few instructions of eBPF, assembled here, loaded and attached by bpf(2).

Version 2 has no list of devices: the kernel runs a BPF_PROG_TYPE_CGROUP_DEVICE program at every open and mknod of a
device node, with (access, type, major, minor), and 0 refuses.  Documentation/admin-guide/cgroup-v2.rst,
"Device controller"; include/uapi/linux/bpf.h, struct bpf_cgroup_dev_ctx.
"""

from __future__ import annotations

import ctypes
import os
import struct

from ipycontainer.errors import KernelError
from ipycontainer.linux.syscalls import syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.linux.cgroups.devices import DeviceRule

_PROG_LOAD, _PROG_ATTACH = 5, 8  # commands
_CGROUP_DEVICE_PROGRAM, _CGROUP_DEVICE_ATTACH = 15, 6
_ALLOW_MULTI = 2  # beside what a service manager has attached: each of them must allow

_ACCESS = {"m": 1, "r": 2, "w": 4}
_TYPE = {"b": 1, "c": 2}

# opcode, destination | source << 4, jump offset, constant: include/uapi/linux/bpf_common.h
_INSTRUCTION = struct.Struct("<BBhi")
_LOAD_WORD, _MOVE, _MOVE_REGISTER, _AND, _SHIFT_RIGHT = 0x61, 0xB7, 0xBF, 0x57, 0x77
_UNLESS, _UNLESS_REGISTER, _EXIT = 0x55, 0x5D, 0x95
_CONTEXT, _KIND, _WANTED, _MAJOR, _MINOR, _SCRATCH = 1, 2, 3, 4, 5, 6


def assemble(rules: Sequence[DeviceRule]) -> bytes:
    """A program that allows what one of `rules` allows, and nothing else.

    >>> from ipycontainer.linux.cgroups.devices import DeviceRule
    >>> len(assemble([])) // 8, len(assemble([DeviceRule("c", 1, 3, "rwm")])) // 8
    (8, 16)
    """
    code = [
        _code(_LOAD_WORD, _KIND, _CONTEXT, 0),
        _code(_MOVE_REGISTER, _WANTED, _KIND),
        _code(_AND, _KIND, constant=0xFFFF),
        _code(_SHIFT_RIGHT, _WANTED, constant=16),
        _code(_LOAD_WORD, _MAJOR, _CONTEXT, 4),
        _code(_LOAD_WORD, _MINOR, _CONTEXT, 8),
    ]
    for rule in rules:
        code += _rule(rule)
    return b"".join([*code, _code(_MOVE, 0, constant=0), _code(_EXIT, 0)])


def _rule(rule: DeviceRule) -> list[bytes]:
    """Allow, or jump over: each comparison that fails goes to the instruction after this rule."""
    allowed = sum(_ACCESS[letter] for letter in set(rule.access))
    tests = [(_MOVE_REGISTER, _SCRATCH, _WANTED, 0), (_AND, _SCRATCH, 0, allowed)]
    tests.append((_UNLESS_REGISTER, _SCRATCH, _WANTED, 0))
    if rule.kind != "a":
        tests.append((_UNLESS, _KIND, 0, _TYPE[rule.kind]))
    for register, number in ((_MAJOR, rule.major), (_MINOR, rule.minor)):
        if number is not None:
            tests.append((_UNLESS, register, 0, number))
    length = len(tests) + 2
    code = []
    for place, (operation, register, source, constant) in enumerate(tests, 1):
        offset = length - place if operation in (_UNLESS, _UNLESS_REGISTER) else 0
        code.append(_code(operation, register, source, offset, constant))
    return [*code, _code(_MOVE, 0, constant=1), _code(_EXIT, 0)]


def _code(operation: int, destination: int, source: int = 0, offset: int = 0, constant: int = 0) -> bytes:
    return _INSTRUCTION.pack(operation, destination | source << 4, offset, constant)


def load(program: bytes) -> int:
    """A descriptor of the loaded program; the kernel checks it first.  Raises KernelError."""
    instructions = ctypes.create_string_buffer(program)
    license_name = ctypes.create_string_buffer(b"BSD")
    count = len(program) // _INSTRUCTION.size
    fields = struct.pack(
        "<IIQQ", _CGROUP_DEVICE_PROGRAM, count, ctypes.addressof(instructions), ctypes.addressof(license_name)
    )
    return _bpf(_PROG_LOAD, fields, "load a device program")


def attach(program: int, group: str) -> None:
    """Let `program` decide for everything in the cgroup v2 folder `group`, until that is removed."""
    folder = os.open(group, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _bpf(_PROG_ATTACH, struct.pack("<IIII", folder, program, _CGROUP_DEVICE_ATTACH, _ALLOW_MULTI), group)
    finally:
        os.close(folder)


def usable() -> bool:
    """Whether this process may load such programs."""
    try:
        os.close(load(assemble(())))
    except KernelError:
        return False
    return True


def _bpf(command: int, fields: bytes, path: str) -> int:
    attributes = ctypes.create_string_buffer(fields.ljust(128, b"\0"))
    return syscall("bpf", command, attributes, len(attributes) - 1, path=path)
