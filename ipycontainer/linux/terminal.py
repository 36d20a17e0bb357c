"""Pseudo-terminals: pts(4), ioctl_tty(2), termios(3)."""

from __future__ import annotations

import fcntl
import os
import struct

from ipycontainer.errors import KernelError
from ipycontainer.record import Record

_TIOCSCTTY = 0x540E
_TIOCGWINSZ = 0x5413
_TIOCSWINSZ = 0x5414
_TIOCGPTN = 0x80045430
_TIOCSPTLCK = 0x40045431
_TIOCGPTPEER = 0x5441


class Size(Record):
    """A terminal's size in characters."""

    rows: int
    columns: int


class Pair(Record):
    """Both ends of a pseudo-terminal and the peer's number below /dev/pts."""

    master: int
    peer: int
    index: int


def open_pair(multiplexer: str) -> Pair:
    """A new pseudo-terminal on the devpts that `multiplexer` (a ptmx) belongs to.

    The peer is opened through the master (TIOCGPTPEER), never by its name: in a container the name
    could have been put in place by somebody else (CVE-2025-52565).
    """
    try:
        master = os.open(multiplexer, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
        index = struct.unpack("I", fcntl.ioctl(master, _TIOCGPTN, struct.pack("I", 0)))[0]
        peer = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError("open pseudo-terminal", error.errno or 0, multiplexer) from None
    return Pair(master, peer, index)


def take_control(descriptor: int) -> None:
    """Make the terminal the controlling one of this session (which setsid() has just made)."""
    try:
        fcntl.ioctl(descriptor, _TIOCSCTTY, 0)
    except OSError as error:
        raise KernelError("ioctl TIOCSCTTY", error.errno or 0) from None


def size(descriptor: int) -> Size:
    """The terminal's size.  Raises KernelError when `descriptor` is no terminal."""
    try:
        rows, columns = struct.unpack("HHHH", fcntl.ioctl(descriptor, _TIOCGWINSZ, bytes(8)))[:2]
    except OSError as error:
        raise KernelError("ioctl TIOCGWINSZ", error.errno or 0) from None
    return Size(rows, columns)


def resize(descriptor: int, rows: int, columns: int) -> None:
    """Set the size; the kernel sends SIGWINCH to the foreground process group."""
    try:
        fcntl.ioctl(descriptor, _TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    except OSError as error:
        raise KernelError("ioctl TIOCSWINSZ", error.errno or 0) from None
