"""What a process says about itself to the kernel: prctl(2)."""

from __future__ import annotations

import ctypes
import os

from ipycontainer.linux.syscalls import check, libc

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4


def _prctl(what: str, option: int, value: int = 0) -> int:
    longs = [ctypes.c_ulong(item) for item in (value, 0, 0, 0)]
    return check(f"prctl {what}", libc.prctl(option, *longs))


def set_parent_death_signal(signal: int) -> None:
    """Be sent `signal` when the parent dies.  Cleared by every change of credentials, so it comes after the last."""
    _prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, signal)


def set_dumpable(dumpable: bool) -> None:
    """Whether others of the same user may look into this process (ptrace, /proc/PID/…)."""
    _prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, int(dumpable))


def set_keep_capabilities(keep: bool) -> None:
    """Keep the permitted capabilities over a change from uid 0 to another."""
    _prctl("PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, int(keep))


def set_no_new_privs() -> None:
    """From now on no execve gives more: set-user-ID bits and file capabilities do nothing."""
    _prctl("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1)


def drop_bounding(capability: int) -> None:
    """Take a capability out of the bounding set, for ever."""
    _prctl("PR_CAPBSET_DROP", PR_CAPBSET_DROP, capability)


def clear_ambient() -> None:
    """Empty the ambient set."""
    _prctl("PR_CAP_AMBIENT_CLEAR_ALL", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)


def set_command_line(text: str) -> None:
    """What ps -f and /proc/self/cmdline show.  proc_pid_stat(5), fields arg_start and arg_end.

    The text is written over the old one; PR_SET_MM, which could point elsewhere, needs CAP_SYS_RESOURCE.
    """
    with open("/proc/self/stat", "rb") as file:
        start, end = (int(word) for word in file.read().rpartition(b")")[2].split()[45:47])
    if 0 < start < end:
        ctypes.memmove(start, os.fsencode(text)[: end - start - 1].ljust(end - start, b"\0"), end - start)


def set_name(name: str) -> None:
    """The name that ps shows; 15 bytes.

    By /proc/self/comm, because every monitor calls this: the way through ctypes would touch, and so keep, 100 KB
    of its own.  After a change of ids that file may be another's; then by PR_SET_NAME, which does the same.
    """
    raw = os.fsencode(name)[:15]
    try:
        descriptor = os.open("/proc/self/comm", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        check("prctl PR_SET_NAME", libc.prctl(PR_SET_NAME, ctypes.create_string_buffer(raw), 0, 0, 0))
        return
    try:
        os.write(descriptor, raw)
    finally:
        os.close(descriptor)
