"""Which devices a container's processes may open: a list on v1, a program on v2.

A device node is only a name for a driver; with CAP_MKNOD root in a container makes a node of any disk.  What
keeps it from opening one is this.

On v1 all usual containers sit in one group with docker's list.  A devices group counts nothing, so sharing loses
nothing, and a process that waits to become a container has joined it long before it is asked for.
"""

from __future__ import annotations

import errno
import fcntl
import os

from ipycontainer.errors import KernelError
from ipycontainer.linux.cgroups.cgroup_plan import OURS
from ipycontainer.linux.cgroups.files import text, write
from ipycontainer.linux.cgroups.layout import own_folder, parse_own
from ipycontainer.linux.mountinfo import parse_mountinfo
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class DeviceRule(Record):
    """Devices that may be used: kind "b", "c" or "a" (both); None is any number; access of "rwm" (m: mknod)."""

    kind: str
    major: int | None
    minor: int | None
    access: str

    def line(self) -> str:
        """As version 1's devices.allow takes it."""
        numbers = ":".join("*" if number is None else str(number) for number in (self.major, self.minor))
        return f"{self.kind} {numbers} {self.access}"


# The OCI runtime spec's default devices, docker's list but for /dev/net/tun, which docker's own default has no
# node for: any node may be made, and these may be used.
USUAL = (
    DeviceRule("c", None, None, "m"),
    DeviceRule("b", None, None, "m"),
    *(DeviceRule("c", 1, minor, "rwm") for minor in (3, 5, 7, 8, 9)),  # null zero full random urandom
    *(DeviceRule("c", 5, minor, "rwm") for minor in (0, 1, 2)),  # tty console ptmx
    DeviceRule("c", 136, None, "rwm"),  # what devpts makes
)
EVERYTHING = (DeviceRule("a", None, None, "rwm"),)

# Beside the containers' own groups; no container's id is this.
SHARED = "usual"
PROGRAMS = "programs"


def control(is_root: bool, unified: bool) -> str:
    """What keeps devices away here: the folder of our groups in v1's hierarchy, PROGRAMS (v2), or "".

    "" for ordinary users: in a user namespace mknod(2) of a device is EPERM, and what they can open outside they
    may open inside.
    """
    if not is_root:
        return ""
    folder = folder_of(text("/proc/self/mountinfo"), text("/proc/self/cgroup"))
    if folder:
        writable = os.access(folder, os.W_OK, effective_ids=True) and os.path.exists(f"{folder}/devices.list")
        return f"{folder}/{OURS}" if writable else ""
    if not unified:
        return ""
    from ipycontainer.linux import bpf

    return PROGRAMS if bpf.usable() else ""


def folder_of(mountinfo: str, own: str) -> str:
    """The caller's own folder in v1's devices hierarchy; "" where there is none."""
    paths = {name: path for names, path in parse_own(own).items() for name in names}
    if "devices" not in paths:
        return ""
    for mount in parse_mountinfo("\n".join(line for line in mountinfo.split("\n") if " - cgroup" in line)):
        if mount.kind == "cgroup" and "devices" in mount.super_options:
            folder = own_folder(mount, paths["devices"])
            if folder:
                return folder
    return ""


def shared_tasks(groups: str) -> str:
    """The file by which a process joins the usual containers' group."""
    return f"{groups}/{SHARED}/tasks"


def join_shared(groups: str) -> None:
    """Move this process into the group of the usual containers, which is made if it is missing."""
    tasks = shared_tasks(groups)
    for _again in range(100):
        try:
            write(tasks, "0")
            return
        except KernelError as error:
            # Nobody was in it, and somebody who tidied up has just taken it away.
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                raise
        _make_shared(groups)
    raise KernelError("write", errno.ENOENT, tasks)


def _make_shared(groups: str) -> None:
    """The shared group appears under its name with its list complete: nobody ever joins an open one.

    One at a time: of two makers of one group each would deny what the other has just allowed.  The name for the
    meantime is always the same, so what a killed maker left is used by the next.
    """
    temporary = f"{groups}/{SHARED}-new"
    try:
        os.makedirs(groups, 0o755, exist_ok=True)
        folder = os.open(groups, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if os.path.isdir(f"{groups}/{SHARED}"):
                return
            os.makedirs(temporary, 0o755, exist_ok=True)
            for file, value in rule_writes(temporary, USUAL):
                _write_what_we_have(file, value)
            os.rename(temporary, f"{groups}/{SHARED}")
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno != errno.ENOENT:  # the parent was taken away: once more
            raise KernelError("mkdir", error.errno or 0, temporary) from None


def _write_what_we_have(file: str, value: str) -> None:
    """EPERM: our own group does not have that device, so nobody below us can; it stays without."""
    try:
        write(file, value)
    except KernelError as error:
        if error.errno != errno.EPERM or file.endswith("deny"):
            raise


def rule_writes(folder: str, rules: Sequence[DeviceRule]) -> tuple[tuple[str, str], ...]:
    """(file, value) pairs that leave `folder` with `rules` alone; nothing to write where all is allowed."""
    if tuple(rules) == EVERYTHING:
        return ()
    return ((f"{folder}/devices.deny", "a"), *((f"{folder}/devices.allow", rule.line()) for rule in rules))


def tidy(groups: str) -> None:
    """Remove the shared group if nobody is in it, and our folder above if nothing is."""
    for folder in (f"{groups}/{SHARED}", groups):
        try:
            os.rmdir(folder)
        except OSError:
            return  # somebody is in there, or it is gone
