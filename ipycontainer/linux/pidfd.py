"""Processes by descriptor instead of by number, so that a number used again is never hit.  pidfd_open(2)."""

from __future__ import annotations

import os
import select

from ipycontainer.errors import KernelError

_SIGKILL = 9


def open_process(pid: int) -> int:
    """A descriptor of process `pid`, close-on-exec."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        raise KernelError("pidfd_open", error.errno or 0, str(pid)) from None


def number(pidfd: int) -> int:
    """The process's number as this pid namespace has it; -1 when it is dead and was waited for.  pidfd_open(2)."""
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pid:"))


def send_signal(pidfd: int, number: int) -> None:
    """Signal the process behind `pidfd`.  pidfd_send_signal(2)."""
    from _signal import pidfd_send_signal

    try:
        pidfd_send_signal(pidfd, number)
    except OSError as error:
        raise KernelError("pidfd_send_signal", error.errno or 0, f"signal {number}") from None


def has_ended(pidfd: int) -> bool:
    """Whether the process is dead (a pidfd is readable from then on)."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def is_gone(pid: int) -> bool:
    """Whether no process has the number `pid`, or one that is dead."""
    try:
        descriptor = open_process(pid)
    except KernelError:
        return True
    try:
        return has_ended(descriptor)
    finally:
        os.close(descriptor)


def await_end(pidfd: int, seconds: float) -> bool:
    """Wait until the process is dead, at most `seconds`; whether it is."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def is_being_killed(pid: int) -> bool:
    """Whether a SIGKILL waits for the process `pid`; False for none.  proc_pid_status(5), SigPnd and ShdPnd."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            pending = [int(line.split()[1], 16) for line in file if line.startswith(("SigPnd:", "ShdPnd:"))]
    except OSError:
        return False
    return any(mask >> (_SIGKILL - 1) & 1 for mask in pending)


def start_time(pid: int) -> int:
    """When `pid` started, in clock ticks since boot: with the pid it names a process for as long as the machine runs.

    proc_pid_stat(5), field 22.  The command's name may hold spaces and brackets, so fields count from its last ")".
    """
    try:
        # Not by open(): its buffers and layers are more than the reading.
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(descriptor, 4096).rpartition(b")")[2].split()[19])
        finally:
            os.close(descriptor)
    except OSError as error:
        raise KernelError("open", error.errno or 0, f"/proc/{pid}/stat") from None
