"""`exec`: one more program in a running container."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import Error, NotFound, OptionError, WrongState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call


def exec_in(call: Call) -> int:
    """Starts the command and stays with it until it ends (unless -d)."""
    from ipycontainer.commands.run import environment
    from ipycontainer.commands.streaming import Manner, follow

    parsed = call.parsed
    detached = parsed.flag("detach")
    tty = parsed.flag("tty")
    terminal = call.console.terminal(parsed.flag("interactive")) if tty and not detached else None
    manner = Manner.of(parsed, says_so=True)
    try:
        attachment = call.engine.get(parsed.arguments[0]).exec_start(
            tuple(parsed.arguments[1:]),
            env=environment(parsed, call.cwd),
            user=parsed.text("user"),
            workdir=parsed.text("workdir"),
            interactive=parsed.flag("interactive"),
            tty=tty,
            detach=detached,
            size=terminal.size() if terminal else None,
            privileged=parsed.flag("privileged"),
        )
    except Error as error:
        if detached or isinstance(error, (NotFound, WrongState, OptionError)):
            error.exit_code = 1  # docker keeps 125 for run and create, and 126 and 127 for whoever stays to be told
        raise
    if attachment is None:
        return 0
    return follow(attachment, call.console, stdin=parsed.flag("interactive"), terminal=terminal, manner=manner)


EXEC = Verb(
    "exec",
    "[OPTIONS] CONTAINER COMMAND [ARG...]",
    "Run one more command in a running container",
    exec_in,
    (
        Option("detach", "d", "flag", "Leave it running"),
        Option("detach-keys", "", "text", "Keys that leave it running (ctrl-p,ctrl-q)"),
        Option("env", "e", "variable", "Set an environment variable, NAME=VALUE", many=True),
        Option("env-file", "", "text", "Read environment variables from a file", many=True),
        Option("interactive", "i", "flag", "Keep stdin open"),
        Option("privileged", "", "flag", "Give the command every capability that this machine allows"),
        Option("tty", "t", "flag", "Give the command a terminal of its own"),
        Option("user", "u", "text", "User inside: name or uid, [:group or gid]"),
        Option("workdir", "w", "text", "Working directory inside"),
    ),
    least=2,
    mixed=False,
    examples=("exec web ps", "exec -it web sh", "exec -e LEVEL=debug -w /tmp web env"),
    completes="running",
    own_exit_code=True,
)
