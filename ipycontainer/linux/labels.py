"""Labels of the host's security module: AppArmor's profiles, SELinux's contexts.  proc_pid_attr(5)."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError

_APPARMOR = "/sys/module/apparmor/parameters/enabled"
_SELINUX = "/sys/fs/selinux/enforce"


def has_apparmor() -> bool:
    """Whether this kernel runs with AppArmor."""
    return _first_letter(_APPARMOR) == "Y"


def has_selinux() -> bool:
    """Whether this kernel runs with SELinux, enforcing or not."""
    return os.path.exists(_SELINUX)


def loaded_profile(name: str) -> str:
    """`name` if AppArmor has a profile of that name, else "".  The list of profiles is for root to read."""
    if not has_apparmor():
        return ""
    try:
        with open("/sys/kernel/security/apparmor/profiles", encoding="utf-8") as file:
            names = [line.partition(" (")[0] for line in file]
    except OSError:
        return ""
    return name if name in names else ""


def _first_letter(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read(1)
    except OSError:
        return ""


def on_exec(apparmor: str, selinux: str, folder: str = "/proc/thread-self/attr") -> None:
    """Take on an AppArmor profile or an SELinux context, "" is none, at the next execve.

    folder: the attr folder of this thread in a /proc of the kernel's own.  Raises KernelError: ENOENT for a
    profile that is not loaded, EINVAL for a context that the policy does not have.
    """
    if apparmor:
        # Since 5.8 each module has a folder of its own; `exec` right below is whichever module came first.
        own = f"{folder}/apparmor/exec"
        _write(own if os.path.exists(own) else f"{folder}/exec", f"exec {apparmor}")
    if selinux:
        _write(f"{folder}/exec", selinux)


def _write(path: str, value: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise KernelError("open", error.errno or 0, path) from None
    try:
        os.write(descriptor, value.encode())
    except OSError as error:
        raise KernelError("write", error.errno or 0, f"{path} ({value})") from None
    finally:
        os.close(descriptor)
