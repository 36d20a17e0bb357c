"""Mounts: mount(2), umount2(2), pivot_root(2), fsopen(2) and its family."""

from __future__ import annotations

import ctypes
import os

from ipycontainer.errors import KernelError
from ipycontainer.linux.syscalls import check, libc, syscall

# mount(2)
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_SYNCHRONOUS = 16
MS_REMOUNT = 32
MS_DIRSYNC = 128
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_RELATIME = 1 << 21
MS_STRICTATIME = 1 << 24

FLAG_NAMES = {
    "ro": MS_RDONLY,
    "nosuid": MS_NOSUID,
    "nodev": MS_NODEV,
    "noexec": MS_NOEXEC,
    "sync": MS_SYNCHRONOUS,
    "dirsync": MS_DIRSYNC,
    "noatime": MS_NOATIME,
    "nodiratime": MS_NODIRATIME,
    "relatime": MS_RELATIME,
    "strictatime": MS_STRICTATIME,
    "bind": MS_BIND,
    "rbind": MS_BIND | MS_REC,
    "remount": MS_REMOUNT,
    "private": MS_PRIVATE,
    "rprivate": MS_PRIVATE | MS_REC,
    "slave": MS_SLAVE,
    "rslave": MS_SLAVE | MS_REC,
}

MNT_DETACH = 2

# fsconfig(2)
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_CMD_CREATE = 6
FSMOUNT_CLOEXEC = 1
FSOPEN_CLOEXEC = 1
MOVE_MOUNT_F_EMPTY_PATH = 4
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
AT_FDCWD = -100

# mount_setattr(2)
MOUNT_ATTR_RDONLY = 1
MOUNT_ATTR_NOSUID = 2
MOUNT_ATTR_NODEV = 4
MOUNT_ATTR_NOEXEC = 8

# statfs(2)
PROC_SUPER_MAGIC = 0x9FA0

# mount(2) copies one page of options and cuts the rest off without a word.
DATA_LIMIT = 4095


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2).  Options longer than a page are refused here, because the kernel would cut them."""
    raw = os.fsencode(data)
    if len(raw) > DATA_LIMIT:
        raise KernelError("mount (options longer than a page)", 7, target)
    result = libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        os.fsencode(kind) if kind else None,
        ctypes.c_ulong(flags),
        raw or None,
    )
    check(f"mount {kind}".rstrip(), result, target)


def umount(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    check("umount2", libc.umount2(os.fsencode(target), flags), target)


def bind(source: str, target: str, recursive: bool = True) -> None:
    """Show `source` at `target` too."""
    mount(source, target, flags=MS_BIND | (MS_REC if recursive else 0))


def set_attributes(target: str | int, attributes: int, recursive: bool = False) -> None:
    """Add MOUNT_ATTR_* `attributes` to the mount at `target` (a path, or a descriptor of its root).

    mount_setattr(2) adds to what is there; MS_REMOUNT|MS_BIND would have to repeat every flag
    that a user namespace locks, and fails with EPERM when one is forgotten.
    """
    _set(target, (attributes, 0, 0, 0), recursive)


def _set(target: str | int, changes: tuple[int, int, int, int], recursive: bool) -> None:
    """changes: what is added, what is taken away, the propagation, a user namespace.  mount_setattr(2)."""
    attr = (ctypes.c_uint64 * 4)(*changes)
    flags = AT_RECURSIVE if recursive else 0
    if isinstance(target, int):
        syscall("mount_setattr", target, b"", flags | AT_EMPTY_PATH, attr, ctypes.sizeof(attr), path=f"fd {target}")
    else:
        syscall("mount_setattr", AT_FDCWD, os.fsencode(target), flags, attr, ctypes.sizeof(attr), path=target)


def set_read_only(target: str | int, recursive: bool = False) -> None:
    """Make the mount at `target` read-only, keeping its other flags."""
    set_attributes(target, MOUNT_ATTR_RDONLY, recursive)


def set_private(tree: int) -> None:
    """Let no mount at or below the descriptor `tree` take part in what is mounted elsewhere."""
    _set(tree, (0, 0, MS_PRIVATE, 0), recursive=True)


def clone_tree(source: str | int, recursive: bool = True) -> int:
    """A detached copy of the mount at `source`, as a descriptor.  open_tree(2)."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (AT_RECURSIVE if recursive else 0)
    if isinstance(source, int):
        return syscall("open_tree", source, b"", flags | AT_EMPTY_PATH, path=f"fd {source}")
    return syscall("open_tree", AT_FDCWD, os.fsencode(source), flags, path=source)


def magic(descriptor: int) -> int:
    """The number of the kind of file system that `descriptor` lies on.  fstatfs(2)."""
    found = ctypes.create_string_buffer(256)
    check("fstatfs", libc.fstatfs(descriptor, found), f"fd {descriptor}")
    return ctypes.c_long.from_buffer(found).value  # its first field, of the machine's word size


def attach(tree: int, target: int, shown: str = "") -> None:
    """Put the detached mount `tree` over what the descriptor `target` names.  move_mount(2).

    The target is a descriptor, so that nobody can swap its path between the look and the mount
    (the race of CVE-2021-30465).
    """
    move_mount_to_empty = MOVE_MOUNT_F_EMPTY_PATH | 0x40  # MOVE_MOUNT_T_EMPTY_PATH
    syscall("move_mount", tree, b"", target, b"", move_mount_to_empty, path=shown or f"fd {target}")


def make(kind: str, settings: list[tuple[str, str | None]], attributes: int = 0) -> int:
    """A new file system of `kind`, not attached anywhere yet, as a descriptor of its mount.

    settings are (key, value) pairs in order; a value of None is a flag.  fsopen(2), fsconfig(2),
    fsmount(2).  The kernel's own words about a refused setting become part of the error.
    """
    context = syscall("fsopen", os.fsencode(kind), FSOPEN_CLOEXEC, path=kind)
    try:
        for key, value in settings:
            _configure(context, kind, key, value)
        try:
            syscall("fsconfig", context, FSCONFIG_CMD_CREATE, None, None, 0, path=kind)
        except KernelError as error:
            raise _explained(context, error, kind) from None
        return syscall("fsmount", context, FSMOUNT_CLOEXEC, attributes, path=kind)
    finally:
        os.close(context)


def _configure(context: int, kind: str, key: str, value: str | None) -> None:
    try:
        if value is None:
            syscall("fsconfig", context, FSCONFIG_SET_FLAG, os.fsencode(key), None, 0, path=f"{kind} {key}")
        else:
            pair = os.fsencode(key), os.fsencode(value)
            syscall("fsconfig", context, FSCONFIG_SET_STRING, *pair, 0, path=f"{kind} {key}={value}")
    except KernelError as error:
        raise _explained(context, error, f"{kind} {key}") from None


def _explained(context: int, error: KernelError, what: str) -> KernelError:
    """`error` with the messages that the file system left on its context (fsopen(2), "message retrieval")."""
    words = []
    while True:
        try:
            words.append(os.read(context, 4096).decode("utf-8", "replace").strip())
        except OSError:
            break
    return KernelError(error.call, error.errno, " ".join([what, *(f"[{word}]" for word in words)]))


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2)."""
    syscall("pivot_root", os.fsencode(new_root), os.fsencode(put_old), path=new_root)
