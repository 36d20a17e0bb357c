"""--ip, --ip6, --link-local-ip and --network-alias of `run` and `create`, which are for networks of one's own.

There are none yet.  docker refuses some of them elsewhere and forgets the others without a word; ours says that too.
"""

from __future__ import annotations

from ipycontainer.engine.addresses import LATER, check, is_link_local
from ipycontainer.errors import InputError, OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.commands.options import Parsed

_ADDRESSES: tuple[str, ...] = ("ip", "ip6", "link-local-ip")
_ALIASES: tuple[str, ...] = ("network-alias", "net-alias")


def network(parsed: Parsed, modes: Sequence[str]) -> dict[str, Any]:
    """The fields of a RunRequest.  Raises OptionError, InputError.

    modes: the values of --network; docker takes one, and none that is empty.
    """
    for mode in modes:
        if not mode:
            raise OptionError("no name set for network; leave --network out, or write --network none")
        if modes.count(mode) > 1:
            raise OptionError(f'network "{mode}" is specified multiple times')
    if len(modes) > 1:
        raise InputError(f"Container cannot be connected to network endpoints: {', '.join(sorted(modes))}; name one")
    return {"network": modes[0], **_addresses(parsed, modes[0])} if modes else {"network": ""}


def _addresses(parsed: Parsed, network: str) -> dict[str, Any]:
    if any(map(parsed.given, _ALIASES)):
        raise OptionError(f"network-scoped aliases are only supported for user-defined networks; {LATER}")
    ip, ip6 = parsed.text("ip"), parsed.text("ip6")
    check(ip, ip6)
    if network.startswith("container:"):
        return {}
    return {"ip": ip, "ip6": ip6, "link_local_ips": tuple(parsed.many("link-local-ip"))}


def forgotten(parsed: Parsed, network: str) -> list[str]:
    """The warning; none where nothing of what was asked for is forgotten."""
    names = (*_ADDRESSES, *_ALIASES)
    if network in ("none", "host"):  # which refuse the others, and what is no address of that kind
        names = _ADDRESSES[2:] if all(map(is_link_local, parsed.many("link-local-ip"))) else ()
    asked = " and ".join(f"--{name}" for name in names if parsed.values.get(name))
    return [f"WARNING: docker forgets {asked} here, and so does ipycontainer: {LATER}"] if asked else []
