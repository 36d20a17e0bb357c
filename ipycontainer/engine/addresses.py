"""--ip, --ip6, --link-local-ip: addresses in networks of one's own, of which there are none yet.

Read only where one of them is asked for, and answered as docker answers on its networks none and host.
"""

from __future__ import annotations

import _socket

from ipycontainer.errors import InputError, StartError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MAPPED = b"\0" * 10 + b"\xff\xff"  # an IPv4 address in IPv6's form, RFC 4291, 2.5.5.2
LATER = "networks of one's own come in a later release"


def check(ip: str, ip6: str) -> None:
    """What docker looks at when a container is made.  Raises InputError."""
    if ip and (packed(ip) or b"")[:12] != _MAPPED:
        raise InputError(f"invalid IPv4 address: {ip}")
    if ip6 and (packed(ip6) or _MAPPED)[:12] == _MAPPED:
        raise InputError(f"invalid IPv6 address: {ip6}")


def refuse(ip: str, ip6: str, link_local: Sequence[str]) -> None:
    """A container that asks for an address of its own is made, and does not start.  Raises StartError.

    An address of link_local alone is forgotten, as docker does it: these networks have no end to give it to.
    """
    if ip or ip6:
        raise StartError(f"user specified IP address is supported on user defined networks only; {LATER}")
    for text in link_local:
        if text and packed(text) is None:
            raise StartError(f"Invalid link-local IP address: [{' '.join(link_local)}]; {LATER}")
    for text in link_local:
        if not is_link_local(text):
            raise StartError(f"invalid link local IP address: {text or '<nil>'}; {LATER}")


def packed(text: str) -> bytes | None:
    """The 16 bytes of an IPv4 or IPv6 address; None for what is none."""
    for family, before in ((_socket.AF_INET, _MAPPED), (_socket.AF_INET6, b"")):
        try:
            return before + _socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
    return None


def is_link_local(text: str) -> bool:
    """Whether it is an address in 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291)."""
    address = packed(text) or _MAPPED + bytes(4)
    return address[:14] == _MAPPED + b"\xa9\xfe" or (address[0] == 0xFE and address[1] & 0xC0 == 0x80)
