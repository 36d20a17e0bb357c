"""The way into the kernel for the calls that `os` does not have.

One libc handle, one function that turns -1 into a KernelError, and the numbers of the
calls that libc does not wrap.  Everything above names calls, never numbers.
"""

from __future__ import annotations

import ctypes
import os

from ipycontainer.errors import KernelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

libc = ctypes.CDLL(None, use_errno=True)

# Numbers from 424 on are the same on every architecture (include/uapi/asm-generic/unistd.h);
# the older ones differ, and only what is listed here is used.
_SHARED = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "pidfd_open": 434,
    "clone3": 435,
    "close_range": 436,
    "openat2": 437,
    "mount_setattr": 442,
}
_BY_MACHINE = {
    "x86_64": {
        "pivot_root": 155,
        "capget": 125,
        "capset": 126,
        "setresuid": 117,
        "setresgid": 119,
        "setgroups": 116,
        "seccomp": 317,
        "bpf": 321,
        "keyctl": 250,
        "rt_sigaction": 13,
        "renameat2": 316,
        "ioprio_set": 251,
    },
    "aarch64": {
        "pivot_root": 41,
        "capget": 90,
        "capset": 91,
        "setresuid": 147,
        "setresgid": 149,
        "setgroups": 159,
        "seccomp": 277,
        "bpf": 280,
        "keyctl": 219,
        "rt_sigaction": 134,
        "renameat2": 276,
        "ioprio_set": 30,
    },
}


def number(name: str) -> int:
    """The number of system call `name` on this machine's architecture."""
    if name in _SHARED:
        return _SHARED[name]
    machine = os.uname().machine
    try:
        return _BY_MACHINE[machine][name]
    except KeyError:
        raise KernelError(f"{name} (unknown on {machine})", 38) from None


def check(name: str, result: int, path: str | bytes = "") -> int:
    """`result` unless it is -1, which becomes a KernelError with this thread's errno."""
    if result == -1:
        raise KernelError(name, ctypes.get_errno(), os.fsdecode(path))
    return result


def syscall(name: str, *arguments: Any, path: str | bytes = "") -> int:
    """Call `name` by number.  Integers are passed as longs: a plain int would be cut to 32 bits."""
    longs = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    return check(name, libc.syscall(ctypes.c_long(number(name)), *longs), path)
