"""What the prunes have in common: they ask as docker asks, and tell as it tells."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.commands import Call


def agreed(call: Call, warning: str) -> bool:
    """Whether a person, or --force, agrees.  Raises Refused where nobody can be asked (a runner, a pipe's end)."""
    if call.parsed.flag("force"):
        return True
    call.console.line(warning)
    return call.console.ask("Are you sure you want to continue? [y/N] ").strip().lower() == "y"


def removed(call: Call, title: str, names: Sequence[str]) -> None:
    """What went, under its title, and an empty line."""
    if names:
        call.console.line(title)
        call.console.lines(names)
        call.console.line("")
