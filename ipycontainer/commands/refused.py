"""What docker knows and this release does not: each is refused in a sentence, never ignored.

A value that asks for nothing (`--publish-all=false`) passes.
"""

from __future__ import annotations

from ipycontainer.commands.options import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_NETWORKS = "networks of one's own come in a later release; now there are --network none and --network host"
_PORTS = "published ports come in a later release; with --network host the container's ports are the host's"
_WINDOWS = "is only supported on windows, but this machine runs linux"
_PLATFORM = "containers of this machine's own platform alone are run"
_CLUSTER = "there is no cluster here, and so no volume of one"
_LATER = "it comes in a later release"
_NO = ("false", "0", "f", "F", "False", "FALSE")


def _row(long: str, short: str, kind: str, why: str, *harmless: str) -> Option:
    return Option(long, short, kind, "", refused=why, harmless=harmless)


def _on_windows(long: str, kind: str) -> Option:
    """docker refuses it on linux whatever its value, and ends with 1."""
    return Option(long, "", kind, "", refused=f'"--{long}" {_WINDOWS}', refusal_code=1)


# docker refuses them, or forgets them, on every network that there is here: own_networks.py does the same.
_OWN_NETWORKS = (
    Option("ip", "", "text", ""),
    Option("ip6", "", "text", ""),
    *(Option(name, "", "text", "", many=True) for name in ("link-local-ip", "net-alias", "network-alias")),
)

_CREATE = (
    _on_windows("cpu-count", "int"),
    _on_windows("cpu-percent", "int"),
    _row("disable-content-trust", "", "flag", "", "*"),
    _on_windows("io-maxbandwidth", "bytes"),
    _on_windows("io-maxiops", "int"),
    _row("kernel-memory", "", "bytes", "kernels have dropped this limit; -m counts kernel memory too", "0"),
    _row("link", "", "text", _NETWORKS),
    _row("mac-address", "", "text", _NETWORKS, ""),
    _row("publish", "p", "text", _PORTS),
    _row("publish-all", "P", "flag", _PORTS, *_NO),
    _row("use-api-socket", "", "flag", "there is no daemon whose socket could be bound", *_NO),
)

_RUN = (*_CREATE,)

# Before the verb: what docker's client would connect with.
GLOBAL = (
    _row("config", "", "text", "ipycontainer reads no configuration of docker's"),
    _row("context", "c", "text", "there is no daemon; --root chooses another store"),
    _row("debug", "D", "flag", _LATER, *_NO),
    _row("host", "H", "text", "there is no daemon to connect to; --root chooses another store"),
    _row("log-level", "l", "text", _LATER, "info"),
    _row("tls", "", "flag", "there is no daemon to connect to", *_NO),
    _row("tlscacert", "", "text", "there is no daemon to connect to"),
    _row("tlscert", "", "text", "there is no daemon to connect to"),
    _row("tlskey", "", "text", "there is no daemon to connect to"),
    _row("tlsverify", "", "flag", "there is no daemon to connect to", *_NO),
)

ROWS: dict[str, tuple[Option, ...]] = {
    "before the verb": GLOBAL,
    "run": _RUN,
    "create": _CREATE,
    "update": (
        _row("kernel-memory", "", "bytes", "kernels have dropped this limit; -m counts kernel memory too", "0"),
    ),
    "start": (
        _row("checkpoint", "", "text", "checkpoints of processes are not planned", ""),
        _row("checkpoint-dir", "", "text", "checkpoints of processes are not planned", ""),
    ),
    "images": (
        _row("all", "a", "flag", "", "*"),  # every image is shown: there are no intermediate ones
        _row("tree", "", "flag", "an image has one platform in this release", *_NO),
    ),
    "image inspect": (_row("platform", "", "text", _PLATFORM, ""),),
    "rmi": (
        _row("no-prune", "", "flag", "", "*"),  # an image has no untagged parents here
        _row("platform", "", "text", _PLATFORM, ""),
    ),
    "version": (_row("kubeconfig", "", "text", "there is no Kubernetes here", ""),),
    "load": (_row("platform", "", "text", _PLATFORM, ""),),
    "save": (_row("platform", "", "text", _PLATFORM, ""),),
    "pull": (_row("disable-content-trust", "", "flag", "", "*"),),
    "push": (
        _row("disable-content-trust", "", "flag", "", "*"),
        _row("platform", "", "text", _PLATFORM, ""),
    ),
    "volume create": (
        *(_row(name, "", "text", _CLUSTER) for name in ("secret", "topology-preferred", "topology-required")),
        _row("availability", "", "text", _CLUSTER, "", "active"),
        _row("group", "", "text", _CLUSTER, ""),
        _row("limit-bytes", "", "bytes", _CLUSTER, "0"),
        _row("required-bytes", "", "bytes", _CLUSTER, "0"),
        _row("scope", "", "text", _CLUSTER, "", "single"),
        _row("sharing", "", "text", _CLUSTER, "", "none"),
        _row("type", "", "text", _CLUSTER, "", "block"),
    ),
    "volume ls": (_row("cluster", "", "flag", _CLUSTER, *_NO),),
    "history": (_row("platform", "", "text", _PLATFORM, ""),),
}


def find(verb: str, long: str, short: str) -> Option | None:
    """The row of an option that docker's verb has and ours does not."""
    more = _OWN_NETWORKS if verb in ("run", "create") else ()
    return _match((*ROWS.get(verb, ()), *more), long, short)


def _match(rows: Iterable[Option], long: str, short: str) -> Option | None:
    for row in rows:
        if (long and row.long == long) or (short and row.short == short):
            return row
    return None
