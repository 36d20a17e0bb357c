"""Network modes: none (a namespace of its own with a loopback), host (the host's own), container:ID (another's)."""

from __future__ import annotations

from ipycontainer.errors import Refused

NONE, HOST = "none", "host"
CONTAINER = "container:"


def check_mode(mode: str) -> str:
    """`mode` if this release has it.  "" is none.  Raises Refused for docker's others."""
    if mode in ("", NONE):
        return NONE
    if mode == HOST or mode.startswith(CONTAINER):
        return mode
    raise Refused(
        f"--network {mode} is not in this release: use none (a loopback of its own), host (the host's network) or "
        "container:NAME (another container's); "
        "bridges, names and published ports come later"
    )


def namespaces(mode: str) -> tuple[str, ...]:
    """The OCI namespaces that are made for the mode."""
    return () if mode == HOST or mode.startswith(CONTAINER) else ("network",)
