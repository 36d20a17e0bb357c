"""`top` and `port`: what runs in a container, and which of its ports the host has."""

from __future__ import annotations

from ipycontainer.commands.options import Verb
from ipycontainer.commands.tables import Table
from ipycontainer.control_characters import on_one_line
from ipycontainer.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call

_WIDTH = 20  # docker's columns here


def top(call: Call) -> int:
    """Shows the processes of a running container."""
    reference, *options = call.parsed.arguments
    found = call.engine.get(reference).top(" ".join(options).split())  # as docker reads them
    rows = tuple(tuple(map(on_one_line, row)) for row in found.rows)
    call.console.table(Table(found.titles, rows, _WIDTH))
    return 0


def port(call: Call) -> int:
    """Shows published ports; this release publishes none."""
    reference, *asked = call.parsed.arguments
    if asked:
        number = asked[0].partition("/")[0]
        if not (number.isascii() and number.isdecimal() and int(number) < 65536):
            raise Error(f"invalid port ({asked[0]}): write a number below 65536, or NUMBER/udp")
    call.engine.get(reference)
    if asked:
        raise Error(f"No public port '{asked[0]}' published for {reference}: this release publishes none")
    return 0


TOP = Verb(
    "top",
    "CONTAINER [ps OPTIONS]",
    "Show the processes of a running container",
    top,
    least=1,
    mixed=False,
    examples=("top web", "top web -o pid,rss,args"),
    completes="running",
)

PORT = Verb(
    "port",
    "CONTAINER [PRIVATE_PORT[/PROTO]]",
    "Show which ports of a container the host has (none in this release)",
    port,
    least=1,
    most=2,
    examples=("port web",),
    completes="running",
)
