"""`version`, `info`, `doctor`, `system shutdown`: about this program, this machine and the launcher."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import TemplateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ipycontainer.commands import Call

# What is said in other words already, or is the same everywhere: a script may ask for it.
_FOR_TEMPLATES = (
    "Client", "ClientInfo", "Debug", "DefaultRuntime", "ExperimentalBuild", "IndexServerAddress", "Isolation", "Labels",
    "LiveRestoreEnabled", "Plugins", "Runtimes", "Server", "ServerErrors", "ServerVersion", "Swarm", "SystemTime",
    "Warnings",
)  # fmt: skip
_FORMAT = Option("format", "f", "text", "json, or a Go template")


def version(call: Call) -> int:
    """Says which versions are at work."""
    return _show(call, lambda: call.engine.version())


def info(call: Call) -> int:
    """Says what the store holds and how this machine runs containers."""
    return _show(call, lambda: call.engine.info())


def _show(call: Call, ask: Callable[[], dict[str, Any]]) -> int:
    form = call.parsed.text("format")
    if form:
        from ipycontainer.commands.listing import Report, refuse

        try:
            report = Report(form, listed=False)
        except TemplateError as error:
            return refuse(call.console, error)
        call.console.line(report.text(ask()))
    else:
        found = {name: value for name, value in ask().items() if name not in _FOR_TEMPLATES}
        call.console.line("\n".join(_outline(found, "")))
    return 0


def _outline(document: dict[str, Any], indent: str) -> Iterator[str]:
    """`Name: value`, nested ones beneath their name."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield f"{indent}{name}:"
            yield from _outline(value, indent + " ")
        elif isinstance(value, (list, tuple)):
            yield f"{indent}{name}: {' '.join(map(str, value))}".rstrip()
        else:
            yield f"{indent}{name}: {str(value).lower() if isinstance(value, bool) else value}".rstrip()


def doctor(call: Call) -> int:
    """Says what this machine allows, what each lack costs, and what would mend it."""
    findings = call.engine.doctor()
    for finding in findings:
        call.console.line(f"{'ok  ' if finding.ok else 'lack'} {finding.name}: {finding.found}")
        if not finding.ok:
            if finding.cost:
                call.console.line(f"     costs: {finding.cost}")
            if finding.mend:
                call.console.line(f"     mend:  {finding.mend}")
    return 0


def shutdown(call: Call) -> int:
    """Ends the launcher; containers go on."""
    call.engine.shutdown()
    return 0


VERSION = Verb("version", "[OPTIONS]", "Show the versions at work", version, (_FORMAT,), most=0)

INFO = Verb("info", "[OPTIONS]", "Show what the store holds and what runs it", info, (_FORMAT,), most=0)

DOCTOR = Verb(
    "doctor",
    "",
    "Show what this machine allows, what each lack costs, and what would mend it",
    doctor,
    most=0,
)

SHUTDOWN = Verb("system shutdown", "", "End the launcher; containers go on", shutdown, most=0)
