"""The kernel's key retention: keyrings(7), keyctl(2)."""

from __future__ import annotations

from ipycontainer.linux.syscalls import syscall

_JOIN_SESSION_KEYRING = 1


def join_new_session() -> None:
    """Leave the session keyring that came with the fork for a new, empty one without a name.

    Raises KernelError: EDQUOT where the user has as many keys as kernel.keys.maxkeys allows, ENOSYS or EPERM
    where the kernel, or a filter in front of it, has no keys for us.
    """
    syscall("keyctl", _JOIN_SESSION_KEYRING, None, path="a new session keyring")
