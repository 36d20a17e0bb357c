"""Namespaces: clone3(2), unshare(2), setns(2), namespaces(7)."""

from __future__ import annotations

import ctypes
import os

from ipycontainer.errors import KernelError
from ipycontainer.linux.syscalls import check, libc, number
from ipycontainer.record import Record

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CLONE_PIDFD = 0x00001000
CLONE_PARENT = 0x00008000
CLONE_INTO_CGROUP = 0x200000000

# The OCI runtime spec's words for them (config-linux.md, "namespaces") and the files under /proc/PID/ns.
FLAGS = {
    "user": CLONE_NEWUSER,
    "mount": CLONE_NEWNS,
    "pid": CLONE_NEWPID,
    "uts": CLONE_NEWUTS,
    "ipc": CLONE_NEWIPC,
    "network": CLONE_NEWNET,
    "cgroup": CLONE_NEWCGROUP,
    "time": CLONE_NEWTIME,
}
FILES = {
    "user": "user",
    "mount": "mnt",
    "pid": "pid",
    "uts": "uts",
    "ipc": "ipc",
    "network": "net",
    "cgroup": "cgroup",
    "time": "time",
}

SIGCHLD = 17


def flags_of(names: tuple[str, ...] | list[str]) -> int:
    """The clone flags of the namespaces with these OCI names."""
    total = 0
    for name in names:
        total |= FLAGS[name]
    return total


def names_of(flags: int) -> list[str]:
    """The OCI names in `flags`, user first: it owns the others."""
    return [name for name, flag in FLAGS.items() if flags & flag]


def unshare(flags: int) -> None:
    """Move this process into new namespaces.  unshare(2)."""
    check("unshare", libc.unshare(flags), " ".join(names_of(flags)))


def setns(descriptor: int, flags: int = 0) -> None:
    """Join the namespace(s) behind `descriptor`: an ns file, or a pidfd with CLONE_NEW* flags.  setns(2)."""
    check("setns", libc.setns(descriptor, flags), " ".join(names_of(flags)) or f"fd {descriptor}")


class Cloned(Record):
    """What clone() gives: pid is 0 in the child; pidfd is the parent's (-1 in the child)."""

    pid: int
    pidfd: int


def clone(flags: int, cgroup: int = -1, sibling: bool = False) -> Cloned:
    """Fork into new namespaces in one call.  clone3(2).

    cgroup is a descriptor of a cgroup v2 folder in which the child is born (CLONE_INTO_CGROUP: no
    RCU grace period is waited for, unlike a later write to cgroup.procs), or -1.
    sibling: the child's parent is ours (CLONE_PARENT), which is told of its end as it is told of ours.

    Behaves like os.fork() for the interpreter: its own before and after hooks run, and the call goes
    through PyDLL so that the lock is held over it.
    """
    pidfd = ctypes.c_int(-1)
    into = CLONE_INTO_CGROUP if cgroup >= 0 else 0
    everything = flags | CLONE_PIDFD | into | (CLONE_PARENT if sibling else 0)
    arguments = _CloneArgs(everything, ctypes.addressof(pidfd), 0, 0, 0 if sibling else SIGCHLD, 0, 0, 0, 0, 0)
    arguments[10] = max(cgroup, 0)
    _before_fork()
    pid = _raw_syscall(_CLONE3, ctypes.addressof(arguments), ctypes.sizeof(arguments))
    if pid == 0:
        _after_fork_child()
        return Cloned(0, -1)
    error = ctypes.get_errno()
    _after_fork_parent()
    if pid < 0:
        raise KernelError("clone3", error, " ".join(names_of(flags)))
    return Cloned(pid, pidfd.value)


# Made once: a handle and an array type made anew at each call cost the child 0.8 ms of page faults.
_CLONE3 = number("clone3")
_CloneArgs = ctypes.c_uint64 * 11
_raw_syscall = ctypes.PyDLL(None, use_errno=True).syscall
_raw_syscall.restype = ctypes.c_long
_raw_syscall.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_size_t]
_before_fork = ctypes.pythonapi.PyOS_BeforeFork
_after_fork_child = ctypes.pythonapi.PyOS_AfterFork_Child
_after_fork_parent = ctypes.pythonapi.PyOS_AfterFork_Parent


def open_of(process: str | int, name: str) -> int:
    """A descriptor of `process`'s namespace of that OCI name."""
    path = f"/proc/{process}/ns/{FILES[name]}"
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError("open", error.errno or 0, path) from None
