"""What a process does at a signal, where the C library does not let one ask: rt_sigaction(2)."""

from __future__ import annotations

from ipycontainer.linux.syscalls import syscall

# The C library keeps these two for its threads, and hides them from sigaction(3) and posix_spawn(3).
_LIBRARYS_OWN = (32, 33)
_DEFAULT = bytes(32)  # struct sigaction of the kernel: SIG_DFL, no flags, no restorer, an empty mask
_MASK_SIZE = 8


def reset_librarys_own() -> None:
    """Let signals 32 and 33 do their default again: a caller who ignores them would do so for all that we start."""
    for number in _LIBRARYS_OWN:
        syscall("rt_sigaction", number, _DEFAULT, None, _MASK_SIZE)
