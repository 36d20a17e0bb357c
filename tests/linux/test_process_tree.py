"""A tree of processes that grows while it is killed: nobody of it is left."""

from __future__ import annotations

import os
import signal
import time

import pytest

from ipycontainer.linux import pidfd, process_tree
from ipycontainer.linux.pidfd import start_time

_PATIENCE, _SEEN = 10.0, 1.0


def _children_for_ever(told: int, way: str) -> None:
    """Fork one child after the other, each of which says its number and leaves the session."""
    for _ in range(3000):
        if os.fork() == 0:
            os.setsid()
            os.write(told, f"{os.getpid()}\n".encode())
            if way == "a child forks too" and os.fork() == 0:
                os.write(told, f"{os.getpid()}\n".encode())
            while True:
                signal.pause()


def _running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("way", ["a leader forks", "a child forks too"])
def test_who_is_forked_while_its_parent_is_killed_is_found(way: str):
    """Without the stop before the kill one in twenty was left here: its parent was dead at the next look."""
    for _ in range(5):
        readable, told = os.pipe()
        leader = os.fork()
        if leader == 0:
            try:
                os.setsid()
                _children_for_ever(told, way)
            finally:
                os._exit(1)
        os.close(told)
        known = b""
        while known.count(b"\n") < 20:
            known += os.read(readable, 4096)
        assert process_tree.kill_tree(leader, _PATIENCE) == signal.SIGKILL
        while piece := _rest(readable):
            known += piece
        os.close(readable)
        end = time.monotonic() + _SEEN  # even if it were let go before all of it is dead: what lives on is what counts
        while (left := [pid for pid in map(int, known.split()) if _running(pid)]) and time.monotonic() < end:
            time.sleep(0.01)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert left == [], f"{len(left)} of {len(known.split())} outlived their tree"


def _rest(readable: int) -> bytes:
    """What was said; b"" at its end, or where somebody lives who could still say something."""
    os.set_blocking(readable, False)
    try:
        return os.read(readable, 1 << 16)
    except BlockingIOError:
        return b""


def test_who_waits_for_a_vforked_child_and_who_has_more_threads_stands_still():
    """vfork(2) sleeps until the child's execve, which a stopped child does not come to."""
    script = "import ctypes, threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    script += "if ctypes.CDLL(None).vfork() == 0:\n    ctypes.CDLL(None).pause()\n"
    leader = os.fork()
    if leader == 0:
        os.setsid()
        os.execv("/usr/bin/python3", ["python3", "-c", script])
    end = time.monotonic() + _PATIENCE
    while len(process_tree._look(leader)) < 2:
        assert time.monotonic() < end
        time.sleep(0.005)
    begin = time.monotonic()
    process_tree._stop(leader, begin + _PATIENCE)
    assert time.monotonic() - begin < _PATIENCE, "all stood still before the bound"
    assert process_tree.kill_tree(leader, _PATIENCE) == signal.SIGKILL
    assert process_tree._look(leader) == {}


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_who_has_the_number_of_one_that_has_ended_is_left_alone(guarded: bool, monkeypatch: pytest.MonkeyPatch):
    """Between the look and the signal: a container that forks without end has numbers come again soon."""
    stranger = os.fork()
    if stranger == 0:
        while True:
            signal.pause()
    if not guarded:
        monkeypatch.setattr(process_tree, "start_time", lambda pid: started - 1)
    started = start_time(stranger)
    try:
        assert process_tree._signal(stranger, signal.SIGKILL, {stranger: ("S", 1, 1, started - 1)})
        assert pidfd.await_end(os.pidfd_open(stranger), 0 if guarded else _PATIENCE) == (not guarded)
    finally:
        os.kill(stranger, signal.SIGKILL)
        os.waitpid(stranger, 0)
