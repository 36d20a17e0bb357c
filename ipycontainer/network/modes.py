"""Network modes: none (a namespace of its own with a loopback) and host (the host's own)."""

from __future__ import annotations

from ipycontainer.errors import Refused

NONE, HOST = "none", "host"


def check_mode(mode: str) -> str:
    """`mode` if this release has it.  "" is none.  Raises Refused for docker's others."""
    if mode in ("", NONE):
        return NONE
    if mode == HOST:
        return HOST
    raise Refused(
        f"--network {mode} is not in this release: use none (a loopback of its own) or host (the host's network); "
        "bridges, names and published ports come later"
    )


def namespaces(mode: str) -> tuple[str, ...]:
    """The OCI namespaces that the mode asks for."""
    return () if mode == HOST else ("network",)
