"""`system reset`: a store goes with all that is in it."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call


def reset(call: Call) -> int:
    """Removes all of a store, when a person, or --force, agrees."""
    from ipycontainer.commands.prunes import agreed

    if not agreed(call, _warning(call)):
        return 0
    call.engine.reset()
    return 0


def _warning(call: Call) -> str:
    running = len(call.engine.containers())
    killed = f" ({running} of them running: killed)" if running else ""
    what = (f"all containers{killed}", "all images", "all volumes", f"the store {call.engine.root}")
    return "\n".join(["WARNING! This will remove:", *(f"  - {item}" for item in what), ""])


RESET = Verb(
    "system reset",
    "[OPTIONS]",
    "Remove all containers, images and volumes, the launcher and the folders of the store",
    reset,
    (Option("force", "f", "flag", "Do not ask; what runs is killed"),),
    most=0,
    examples=("system reset", "system reset -f"),
)
