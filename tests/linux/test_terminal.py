"""Pseudo-terminals: both ends, their size, and who they control."""

from __future__ import annotations

import errno
import os
import signal

import pytest

from ipycontainer.errors import KernelError
from ipycontainer.linux import mounts, terminal
from ipycontainer.linux.terminal import Size


@pytest.fixture
def pair():
    made = terminal.open_pair("/dev/ptmx")
    yield made
    os.close(made.master)
    os.close(made.peer)


def test_what_goes_in_comes_out(pair):
    os.write(pair.master, b"hello\n")
    assert os.read(pair.peer, 100) == b"hello\n"
    os.write(pair.peer, b"back\n")
    said = b""
    while not said.endswith(b"back\r\n"):
        said += os.read(pair.master, 100)
    assert not os.get_inheritable(pair.master)
    assert not os.get_inheritable(pair.peer)


def test_sizes(pair):
    terminal.resize(pair.master, 33, 111)
    assert terminal.size(pair.peer) == Size(33, 111)


def test_what_is_no_terminal(tmp_path):
    (tmp_path / "file").touch()
    held = os.open(tmp_path / "file", os.O_RDWR)
    for action in (
        lambda: terminal.size(held),
        lambda: terminal.resize(held, 1, 1),
        lambda: terminal.take_control(held),
    ):
        with pytest.raises(KernelError) as caught:
            action()
        assert caught.value.errno == errno.ENOTTY
    os.close(held)
    with pytest.raises(KernelError, match="pseudo-terminal"):
        terminal.open_pair(str(tmp_path / "file"))


def test_the_session_leader_gets_the_keys_and_the_new_size(in_child):
    def scene():
        pair = terminal.open_pair("/dev/ptmx")
        readable, writable = os.pipe()
        child = os.fork()
        if not child:
            os.close(pair.master)  # whoever keeps the master open keeps the line from hanging up
            os.setsid()
            terminal.take_control(pair.peer)
            # Blocked and waited for: a handler's call would be lost where the signal comes just before pause(2).
            letters = {signal.SIGWINCH: b"w", signal.SIGINT: b"i"}
            signal.pthread_sigmask(signal.SIG_BLOCK, letters)
            os.write(writable, b"r")
            while True:
                os.write(writable, letters[signal.sigwait(letters)])
        said = [os.read(readable, 1)]
        terminal.resize(pair.master, 10, 20)
        said.append(os.read(readable, 1))
        os.write(pair.master, b"\x03")
        said.append(os.read(readable, 1))
        os.close(pair.peer)
        os.close(pair.master)
        return said, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert in_child(scene) == ([b"r", b"w", b"i"], -signal.SIGHUP)


def test_the_peer_is_of_the_same_devpts_as_the_multiplexer(world):
    """CVE-2025-52565: by its name, /dev/pts/0 could be something else by now; the peer comes from the master."""

    def scene():
        os.mkdir("pts")
        mounts.mount("devpts", "pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620")
        pair = terminal.open_pair("pts/ptmx")
        own = os.fstat(pair.peer)
        named = os.stat(f"pts/{pair.index}")
        return pair.index, (own.st_dev, own.st_ino) == (named.st_dev, named.st_ino), os.isatty(pair.peer)

    assert world(scene) == (0, True, True)
