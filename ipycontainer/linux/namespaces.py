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


def clone(flags: int, cgroup: int = -1) -> Cloned:
    """Fork into new namespaces in one call.  clone3(2).

    cgroup is a descriptor of a cgroup v2 folder in which the child is born (CLONE_INTO_CGROUP: no
    RCU grace period is waited for, unlike a later write to cgroup.procs), or -1.

    Behaves like os.fork() for the interpreter: its own before and after hooks run, and the call goes
    through PyDLL so that the lock is held over it.
    """
    pidfd = ctypes.c_int(-1)
    arguments = (ctypes.c_uint64 * 11)()
    arguments[0] = flags | CLONE_PIDFD | (CLONE_INTO_CGROUP if cgroup >= 0 else 0)
    arguments[1] = ctypes.addressof(pidfd)
    arguments[4] = SIGCHLD
    arguments[10] = max(cgroup, 0)
    api = ctypes.pythonapi
    raw = _raw_syscall()
    api.PyOS_BeforeFork()
    pid = raw(number("clone3"), ctypes.addressof(arguments), ctypes.sizeof(arguments))
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return Cloned(0, -1)
    error = ctypes.get_errno()
    api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise KernelError("clone3", error, " ".join(names_of(flags)))
    return Cloned(pid, pidfd.value)


def _raw_syscall() -> ctypes._NamedFuncPointer:
    function = ctypes.PyDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    function.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_size_t]
    return function


def open_of(process: str | int, name: str) -> int:
    """A descriptor of `process`'s namespace of that OCI name."""
    path = f"/proc/{process}/ns/{FILES[name]}"
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError("open", error.errno or 0, path) from None
