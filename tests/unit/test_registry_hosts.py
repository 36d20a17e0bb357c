"""Where a registry may not send us: whatever a resolver takes for such an address is known for one."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address

import pytest

from ipycontainer.images.registry.connection import split_url

LOOPBACK = ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "\u00b927.0.0.1")
LINK_LOCAL = ("169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "\u00b969.254.\u00b969.254")


def resolved(host: str) -> str:
    """What is connected to."""
    found = ip_address(str(socket.getaddrinfo(host.strip("[]"), 80)[0][4][0]))
    return str((found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found)


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback(host: str):
    assert resolved(host) in ("127.0.0.1", "::1"), "the attack works, so the guard is what keeps it off"
    assert split_url(f"http://{host}/")[0].is_loopback


@pytest.mark.parametrize("host", LINK_LOCAL)
def test_link_local(host: str):
    assert resolved(host) == "169.254.169.254", "the attack works, so the guard is what keeps it off"
    assert split_url(f"http://{host}/")[0].is_link_local


@pytest.mark.parametrize("host", ["0.0.0.0", "0", "[::]", "localhost.", "web.localhost", "l\u00bacalhost"])
def test_other_names_of_this_machine(host: str):
    assert split_url(f"http://{host}/")[0].is_loopback


@pytest.mark.parametrize("host", ["10.1", "192.168.0.1", "notlocalhost", "registry.example", "127.example"])
def test_what_is_elsewhere(host: str):
    origin = split_url(f"http://{host}/")[0]
    assert not origin.is_loopback and not origin.is_link_local
