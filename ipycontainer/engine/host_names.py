"""--add-host, --dns and its kin: what may stand in a container's /etc/hosts and /etc/resolv.conf."""

from __future__ import annotations

import _socket

from ipycontainer.errors import InputError, Refused
from ipycontainer.network.etc_files import HOST_GATEWAY
from ipycontainer.network.modes import HOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.engine.request import RunRequest


def check(request: RunRequest) -> None:
    """Raises InputError for what would make a line of its own in one of these files, or names nobody.

    Refused for the host's address where no network leads to the host.
    """
    for pair in request.extra_hosts:
        name, colon, address = pair.partition(":")
        if not colon or not is_word(name):
            raise InputError(f'bad format for add-host: "{pair}"; write NAME:ADDRESS')
        if address == HOST_GATEWAY:
            if request.network != HOST:
                raise Refused(
                    f"--add-host {pair} is refused: with --network {request.network} nothing leads to the host; "
                    f"with --network host it is {name}"
                )
        elif not is_address(address):
            raise InputError(f'invalid IP address in add-host: "{address}"')
    for server in request.dns:
        if not is_address(server):
            raise InputError(f"{server} is not an ip address; --dns wants the address of a name server")
    for word in (*request.dns_opt, *request.dns_search):
        if not is_word(word):
            raise InputError(f"{word!r} is not one word: an option of --dns-option or a domain of --dns-search is")


def is_address(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address."""
    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        return True
    return False


def is_word(text: str) -> bool:
    """Whether it is printable and has no blanks."""
    return bool(text) and text.isprintable() and " " not in text
