"""The filters that a running process has, read back from the kernel: ptrace(2), PTRACE_SECCOMP_GET_FILTER.

So every call's verdict can be asked for, those included that nobody should make.  For root, where the kernel has
CONFIG_CHECKPOINT_RESTORE.
"""

from __future__ import annotations

import ctypes
import os

_SEIZE, _INTERRUPT, _GET_FILTER, _DETACH = 0x4206, 0x4207, 0x420C, 17
_ENOENT, _WALL = 2, 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def _ptrace(request: int, pid: int, address: int = 0, data: object = None) -> int:
    answer = _libc.ptrace(request, pid, address, data)
    if answer == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"ptrace {request:#x}")
    return int(answer)


def filters_of(pid: int) -> list[bytes]:
    """The programs of a process, the newest first."""
    _ptrace(_SEIZE, pid)
    try:
        _ptrace(_INTERRUPT, pid)
        os.waitpid(pid, _WALL)
        found: list[bytes] = []
        while True:
            try:
                length = _ptrace(_GET_FILTER, pid, len(found))
            except OSError as error:
                if error.errno == _ENOENT:
                    return found
                raise
            program = ctypes.create_string_buffer(length * 8)
            _ptrace(_GET_FILTER, pid, len(found), program)
            found.append(program.raw)
    finally:
        _ptrace(_DETACH, pid)
