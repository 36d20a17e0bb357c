"""pidfds, start times, what a process says about itself, capabilities, locks."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from ipycontainer.errors import KernelError, OptionError
from ipycontainer.linux import capabilities, locks, pidfd, prctl


def forked(action=None):
    """A child that does `action` and then waits to be ended; its pid, once it has done it."""
    readable, writable = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            if action:
                action()
            os.write(writable, b"x")
            while True:
                signal.pause()
        finally:
            os._exit(1)
    os.close(writable)
    assert os.read(readable, 1) == b"x"
    os.close(readable)
    return pid


def test_a_pidfd_is_readable_when_the_process_is_dead():
    pid = forked()
    held = pidfd.open_process(pid)
    assert not pidfd.has_ended(held)
    pidfd.send_signal(held, signal.SIGKILL)
    os.waitid(os.P_PIDFD, held, os.WEXITED | os.WNOWAIT)
    assert pidfd.has_ended(held)
    os.waitpid(pid, 0)
    with pytest.raises(KernelError) as caught:
        pidfd.send_signal(held, signal.SIGKILL)
    assert caught.value.errno == errno.ESRCH
    os.close(held)


def test_a_process_that_is_gone_cannot_be_opened():
    pid = forked()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    for look in (pidfd.open_process, pidfd.start_time):
        with pytest.raises(KernelError, match=str(pid)):
            look(pid)


@pytest.mark.parametrize("name", ["plain", "a b", ") R 1 (", "))) 1 2 3"])
def test_start_time_is_read_past_any_name(name):
    before = int(float(open("/proc/uptime").read().split()[0]) * os.sysconf("SC_CLK_TCK"))
    pid = forked(lambda: prctl.set_name(name))
    assert before - 2 <= pidfd.start_time(pid) <= before + 100
    assert open(f"/proc/{pid}/comm").read() == f"{name}\n"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_the_parents_death_is_the_childs(in_child):
    def scene():
        readable, writable = os.pipe()
        parent = os.fork()
        if not parent:
            child = forked(lambda: prctl.set_parent_death_signal(signal.SIGKILL))
            os.write(writable, str(child).encode())
            os._exit(0)
        child = int(os.read(readable, 20))
        os.waitpid(parent, 0)
        held = None
        for _ in range(500):
            try:
                held = held or pidfd.open_process(child)
            except KernelError:
                return True
            if pidfd.has_ended(held):
                return True
            time.sleep(0.01)
        return False

    assert in_child(scene)


def status(name):
    with open("/proc/self/status") as file:
        return next(line.split()[1] for line in file if line.startswith(f"{name}:"))


def test_no_new_privs_is_set_for_good(in_child):
    def scene():
        before = status("NoNewPrivs")
        prctl.set_no_new_privs()
        return before, status("NoNewPrivs")

    assert in_child(scene)[1] == "1"


def test_capabilities_are_numbered_as_the_kernel_does():
    assert capabilities.number_of("CAP_CHOWN") == capabilities.number_of("chown") == 0
    assert capabilities.number_of("SYS_ADMIN") == 21
    assert capabilities.number_of("CHECKPOINT_RESTORE") == 40
    assert capabilities.bits(["CHOWN", "KILL"]) == 0b100001
    with pytest.raises(OptionError, match="FLY"):
        capabilities.number_of("FLY")
    assert len(capabilities.NAMES) > capabilities.last() - 3


def test_what_is_dropped_from_the_bounding_set_is_gone(in_child, as_root):
    keep = capabilities.bits(["CHOWN", "SETPCAP", "NET_RAW"])

    def scene():
        capabilities.limit_bounding(keep, capabilities.last())
        prctl.clear_ambient()
        capabilities.set_all(keep, keep, 0)
        return int(status("CapBnd"), 16), int(status("CapEff"), 16), capabilities.permitted(), capabilities.has("KILL")

    bounding, effective, permitted, kill = in_child(scene)
    assert effective == permitted == keep
    assert bounding & ~keep == 0
    assert not kill


def test_capabilities_that_one_does_not_have_cannot_be_taken(in_child, as_root):
    def scene():
        capabilities.set_all(0, 0, 0)
        try:
            capabilities.set_all(1, 1, 0)
        except KernelError as error:
            return error.call, error.errno

    assert in_child(scene) == ("capset", errno.EPERM)


def test_the_high_half_of_the_sets_is_written_too(in_child, as_root):
    bit = capabilities.bits(["BPF"])
    if not capabilities.permitted() & bit:
        pytest.skip("CAP_BPF is not here")

    def scene():
        capabilities.set_all(0, bit, 0)
        return capabilities.permitted()

    assert in_child(scene) == bit


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "alive"
    path.touch()
    return str(path)


def test_a_lock_is_seen_without_being_taken(lock):
    assert not locks.is_held(lock)
    held = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    assert locks.take(held)
    assert locks.is_held(lock)
    other = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    assert not locks.take(other)
    os.close(held)
    assert not locks.is_held(lock)
    assert locks.take(other)
    os.close(other)


def test_a_lock_ends_with_the_process_that_has_it(lock):
    def take():
        assert locks.take(os.open(lock, os.O_RDWR | os.O_CLOEXEC))

    pid = forked(take)
    assert locks.is_held(lock)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert not locks.is_held(lock)


def test_a_lock_follows_a_childs_duplicate(lock):
    """Why a forked child closes its own first thing."""
    held = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    assert locks.take(held)
    pid = forked()
    os.close(held)
    assert locks.is_held(lock)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert not locks.is_held(lock)


def test_no_file_is_no_lock(tmp_path):
    assert not locks.is_held(str(tmp_path / "nothing"))


def test_the_librarys_own_signals_are_reset():
    code = """
import ctypes, sys
libc = ctypes.CDLL(None)
ignore = (ctypes.c_ulong * 4)(1, 0, 0, 0)
for number in (32, 33):
    libc.syscall(syscalls.number("rt_sigaction"), number, ignore, None, 8)
def ignored():
    return int(next(line for line in open("/proc/self/status") if line.startswith("SigIgn")).split()[1], 16)
before = ignored()
signals.reset_librarys_own()
print(before >> 31 & 3, ignored() >> 31 & 3)
"""
    head = "from ipycontainer.linux import signals, syscalls\n"
    done = subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "0"]
