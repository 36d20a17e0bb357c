"""Loading a filter of system calls: seccomp(2)."""

from __future__ import annotations

import ctypes

from ipycontainer.linux.syscalls import syscall

_SET_MODE_FILTER = 1
_INSTRUCTION = 8  # bytes of a struct sock_filter

# SECCOMP_FILTER_FLAG_*, by OCI's names less the prefix.
FLAGS = {"TSYNC": 1, "LOG": 2, "SPEC_ALLOW": 4}


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def load(program: bytes, flags: int = 0) -> None:
    """Put every later system call of this thread and its children through `program`, for ever.

    program: an array of struct sock_filter.  Needs no_new_privs, or CAP_SYS_ADMIN in the user namespace.
    Raises KernelError: EINVAL for a program that the kernel does not take, or a kernel without seccomp filters;
    EACCES with neither of the two.
    """
    syscall("seccomp", _SET_MODE_FILTER, flags, ctypes.byref(_Program(len(program) // _INSTRUCTION, program)))
