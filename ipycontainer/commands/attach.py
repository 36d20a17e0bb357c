"""`attach`: joining a container that runs."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import NotFound, WrongState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call


def attach(call: Call) -> int:
    """Shows what it says from now on, passes on what is typed and our signals, ends with its exit code."""
    from ipycontainer.commands.streaming import Manner, follow
    from ipycontainer.engine.attaching import has_input, has_terminal

    parsed, console = call.parsed, call.console
    manner = Manner.of(parsed, leaves=True, says_so=True)
    try:
        container = call.engine.get(parsed.arguments[0])
        stdin = not parsed.flag("no-stdin") and console.has_input() and has_input(container)
        terminal = None
        if has_terminal(container) and container.status == "running":
            terminal = console.terminal(True) if stdin else console.screen_alone()
        attachment = container.attach(stdin=stdin, size=terminal.size() if terminal else None)
    except (NotFound, WrongState) as error:
        error.exit_code = 1
        raise
    return follow(attachment, console, stdin=stdin, terminal=terminal, manner=manner)


DETACH_KEYS = Option("detach-keys", "", "text", "Keys that leave it running, such as ctrl-x,x (ctrl-p,ctrl-q)")
SIG_PROXY = Option("sig-proxy", "", "flag", "Pass on signals that we get to its first process (true)")

ATTACH = Verb(
    "attach",
    "[OPTIONS] CONTAINER",
    "Join a running container: its output from now on, and your input",
    attach,
    (DETACH_KEYS, Option("no-stdin", "", "flag", "Leave stdin alone"), SIG_PROXY),
    least=1,
    most=1,
    examples=("attach web", "attach --no-stdin web", "attach --detach-keys ctrl-x,x web"),
    completes="running",
)
