"""A poor host, simulated by what really makes hosts poor: a seccomp filter in front of the kernel."""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import struct

from ipycontainer.linux import prctl
from ipycontainer.linux.syscalls import check, libc

# linux/seccomp.h, linux/filter.h, linux/bpf_common.h
RET_ALLOW = 0x7FFF0000
RET_ERRNO = 0x00050000
RET_KILL_PROCESS = 0x80000000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06

_EVERYWHERE = {"clone3": 435, "openat2": 437, "fsopen": 430, "mount_setattr": 442}
NUMBERS = {
    "x86_64": {"mount": 165, "unshare": 272, "pivot_root": 155, **_EVERYWHERE},
    "aarch64": {"mount": 40, "unshare": 97, "pivot_root": 41, **_EVERYWHERE},
}


def refuse(*calls: str, answer: int = RET_ERRNO | errno.EPERM) -> None:
    """From now on these calls are refused in this process and its children, as a pod's filter does."""
    numbers = [NUMBERS[os.uname().machine][call] for call in calls]
    program = [(LOAD, 0, 0, 0)]
    for place, number in enumerate(numbers):
        program.append((JUMP_EQUAL, len(numbers) - place, 0, number))
    program += [(RETURN, 0, 0, RET_ALLOW), (RETURN, 0, 0, answer)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    prctl.set_no_new_privs()
    check("prctl PR_SET_SECCOMP", libc.prctl(22, 2, ctypes.create_string_buffer(header), 0, 0))


def become(uid: int) -> None:
    """Be an ordinary user, without the test's own groups; one without an account has the group of its number."""
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        gid = uid
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
