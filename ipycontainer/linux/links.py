"""The one thing about network links that needs no netlink: bringing the loopback up.  netdevice(7)."""

from __future__ import annotations

import _socket
import fcntl
import struct

from ipycontainer.errors import KernelError

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def bring_up(name: str = "lo") -> None:
    """Set the link `name` up; the kernel gives lo its addresses 127.0.0.1 and ::1 by itself."""
    with_name = struct.pack("16sH14x", name.encode(), 0)
    try:
        sock = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
        try:
            flags = struct.unpack("16xH14x", fcntl.ioctl(sock.fileno(), _SIOCGIFFLAGS, with_name))[0]
            fcntl.ioctl(sock.fileno(), _SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), flags | _IFF_UP))
        finally:
            sock.close()
    except OSError as error:
        raise KernelError("ioctl SIOCSIFFLAGS", error.errno or 0, name) from None
