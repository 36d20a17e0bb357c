"""What a hosted notebook is like: `python hosted.py UID GID COMMAND…` runs a command as one of its ordinary users.

What such a pod withholds is withheld by the same means: a seccomp filter that refuses new namespaces and mounts,
no_new_privs (so newuidmap has no power), and a /proc of which parts are covered, for which the kernel then refuses
a fresh one.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

from ipycontainer.linux import mounts, namespaces, prctl
from ipycontainer.linux.syscalls import check, libc

# linux/filter.h, linux/seccomp.h
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
NUMBER, FIRST_ARGUMENT = 0, 16
EVERY_NAMESPACE = 0x7E020080  # the CLONE_NEW… of clone(2), time's included

REFUSED = {
    "x86_64": {"unshare": 272, "setns": 308, "mount": 165, "umount2": 166, "pivot_root": 155, "fsopen": 430,
               "open_tree": 428, "move_mount": 429, "mount_setattr": 442},
    "aarch64": {"unshare": 97, "setns": 268, "mount": 40, "umount2": 39, "pivot_root": 41, "fsopen": 430,
                "open_tree": 428, "move_mount": 429, "mount_setattr": 442},
}  # fmt: skip
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435


def program() -> list[tuple[int, int, int, int]]:
    """The filter: (code, jump if true, jump if false, k)."""
    machine = os.uname().machine
    refused = list(REFUSED[machine].values())
    steps = [(LOAD, 0, 0, NUMBER)]
    # To the last instruction but one, which says EPERM; behind the list stand seven more.
    steps += [(EQUAL, len(refused) - place + 5, 0, number) for place, number in enumerate(refused)]
    steps += [
        (EQUAL, 0, 1, CLONE3),
        (RETURN, 0, 0, ENOSYS),  # its flags lie in memory, where no filter looks; libc then calls clone
        (EQUAL, 0, 2, CLONE[machine]),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 1, 0, EVERY_NAMESPACE),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, EPERM),
    ]
    return steps


def withhold() -> None:
    """From now on, for this process and its children."""
    steps = program()
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    header = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    prctl.set_no_new_privs()
    check("prctl PR_SET_SECCOMP", libc.prctl(22, 2, ctypes.create_string_buffer(header), 0, 0))


def mask_proc() -> None:
    """Cover parts of /proc, as container runtimes do, in a mount namespace of our own."""
    namespaces.unshare(namespaces.CLONE_NEWNS)
    mounts.mount("none", "/", flags=mounts.MS_REC | mounts.MS_PRIVATE)
    for path in ("/proc/acpi", "/proc/scsi", "/proc/kcore", "/proc/keys", "/proc/timer_list"):
        if os.path.isdir(path):
            mounts.mount("tmpfs", path, "tmpfs", mounts.MS_RDONLY)
        elif os.path.exists(path):
            mounts.bind("/dev/null", path, recursive=False)


def main() -> None:
    uid, gid, *command = sys.argv[1:]
    if os.geteuid() == 0:
        mask_proc()
        os.setgroups([])
        os.setresgid(int(gid), int(gid), int(gid))
        os.setresuid(int(uid), int(uid), int(uid))
    withhold()
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
