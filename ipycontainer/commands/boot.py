"""`system boot`, `system install`: restart policies after a start of the machine."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call
    from ipycontainer.engine.container import Container
    from ipycontainer.errors import Error


def boot(call: Call) -> int:
    """Starts what its restart policy wants to run; each that was started is printed."""
    failures: list[str] = []

    def failed(container: Container, error: Error) -> None:
        failures.append(f"Error: {container.name}: {error}")

    started = call.engine.boot(failed)
    call.console.lines([container.name for container in started])
    for line in failures:
        call.console.complain(line)
    return 1 if failures else 0


def install(call: Call) -> int:
    """Writes the unit, and says what enables it."""
    import os

    from ipycontainer.engine.boot import install as write
    from ipycontainer.engine.boot import unit

    if call.parsed.flag("print"):
        call.console.lines(unit(call.engine.root, os.geteuid() != 0).splitlines())
        return 0
    path, enable = write(call.engine.root)
    call.console.line(f"Written: {path}")
    call.console.line(f"From the next boot on: {enable}")
    return 0


BOOT = Verb(
    "system boot",
    "",
    "Start the containers that ran with --restart always or unless-stopped, but for those that somebody stopped",
    boot,
    most=0,
    examples=("system boot",),
)

INSTALL = Verb(
    "system install",
    "[OPTIONS]",
    "Write a systemd unit that calls `system boot` when this machine starts",
    install,
    (Option("print", "", "flag", "Show the unit; write nothing"),),
    most=0,
    examples=("system install", "system install --print"),
)
