"""`start`, `stop`, `restart`, `kill`, `pause`, `unpause`, `wait`, `rm`, `rename`: a container's states."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import Conflict, Error, InputError, NoSuchContainer, WrongArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ipycontainer.commands import Call
    from ipycontainer.engine.container import Container
    from ipycontainer.runtime.attachment import Attachment


def start(call: Call) -> int:
    """Starts containers that were made or have ended."""
    parsed = call.parsed
    if not (parsed.flag("attach") or parsed.flag("interactive")):
        return _each(call, lambda reference: _start(call.engine.get(reference)))
    if len(parsed.arguments) > 1:
        raise WrongArguments("you cannot start and attach multiple containers at once")
    from ipycontainer.commands.streaming import Manner, follow
    from ipycontainer.engine.attaching import has_input

    container = call.engine.get(parsed.arguments[0])
    manner = Manner.of(parsed)
    stdin = parsed.flag("interactive") and has_input(container)  # docker's rule: made without -i, it reads nothing
    terminal = call.console.terminal(stdin) if container.config["request"]["tty"] else None
    size = terminal.size() if terminal else None
    if container.status == "running":
        attachment: Attachment | None = container.attach(stdin=stdin, size=size)
    else:
        attachment = container.start(attach=True, stdin=stdin, size=size)
    assert attachment is not None
    return follow(attachment, call.console, stdin=stdin, terminal=terminal, kill=container.kill, manner=manner)


def _start(container: Container) -> None:
    # docker takes "it runs already" for done.
    if container.status not in ("running", "restarting"):
        container.start()


def stop(call: Call) -> int:
    """Asks containers to end, and kills those that do not in time."""
    parsed = call.parsed
    timeout = parsed.values.get("timeout", parsed.values.get("time"))
    signal = parsed.text("signal")
    return _each(call, lambda reference: call.engine.get(reference).stop(timeout, signal))


def restart(call: Call) -> int:
    """Stops containers that run, and starts them all."""
    parsed = call.parsed
    timeout = parsed.values.get("timeout", parsed.values.get("time"))
    signal = parsed.text("signal")
    return _each(call, lambda reference: call.engine.get(reference).restart(timeout, signal))


def pause(call: Call) -> int:
    """Lets containers stand still."""
    return _each(call, lambda reference: call.engine.get(reference).pause())


def unpause(call: Call) -> int:
    """Lets paused containers go on."""
    return _each(call, lambda reference: call.engine.get(reference).unpause())


def kill(call: Call) -> int:
    """Sends a signal."""
    signal = call.parsed.text("signal") or "KILL"  # a script's "$SIGNAL" may be empty
    return _each(call, lambda reference: call.engine.get(reference).kill(signal))


def remove(call: Call) -> int:
    """Removes containers."""
    force = call.parsed.flag("force")

    def one(reference: str) -> None:
        if not reference:
            raise InputError("Container name cannot be empty")  # and --force does not make it one that is gone
        container = call.engine.get(reference)
        if call.parsed.flag("link"):
            # There are no links: every name is a container's own, and docker keeps that one too.
            raise Conflict(f"Conflict, cannot remove the default link name of the container {container.name}")
        container.remove(force=force, volumes=call.parsed.flag("volumes"))

    return _each(call, one, forgiven=NoSuchContainer if force else None)


def wait(call: Call) -> int:
    """Waits until containers have ended, and prints their exit codes."""

    def one(reference: str) -> str:
        container = call.engine.get(reference)
        if container.was_never_started:
            # docker's wait is for "does not run", and nobody says that it will
            return str(container.exit_code or 0)
        return str(container.wait())

    return _each(call, one)


def rename(call: Call) -> int:
    """Gives a container another name; says nothing, as docker."""
    reference, name = call.parsed.arguments
    call.engine.get(reference).rename(name)
    return 0


def _each(call: Call, act: Callable[[str], object], forgiven: type[Error] | None = None) -> int:
    """`act` on every container that was named; each that worked is printed, each that failed is told."""
    code = 0
    for reference in call.parsed.arguments:
        try:
            said = act(reference)
        except Error as error:
            call.console.complain(f"Error: {error}")
            if forgiven is None or not isinstance(error, forgiven):
                code = 1
        else:
            call.console.lines([said if isinstance(said, str) else reference])
    return code


START = Verb(
    "start",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Start containers that were made or have ended",
    start,
    (
        Option("attach", "a", "flag", "Show its output, forward signals, end with its exit code"),
        Option("detach-keys", "", "text", "Keys that leave it running (ctrl-p,ctrl-q)"),
        Option("interactive", "i", "flag", "Attach stdin too"),
    ),
    least=1,
    examples=("start web", "start -a job"),
    completes="container",
)

_STOPPING = (
    Option("signal", "s", "text", "The signal to send first, in place of its stop signal"),
    Option("timeout", "t", "int", "Seconds to wait before KILL (-1: for ever)"),
    Option("time", "", "int", "The same as --timeout", hidden=True),
)

STOP = Verb(
    "stop",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Stop running containers: TERM, and KILL when that does not help",
    stop,
    _STOPPING,
    least=1,
    examples=("stop web", "stop -t 1 web"),
    completes="running",
)

RESTART = Verb(
    "restart",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Stop containers, and start them again",
    restart,
    _STOPPING,
    least=1,
    examples=("restart web", "restart -t 1 -s INT web"),
    completes="container",
)

PAUSE = Verb(
    "pause",
    "CONTAINER [CONTAINER...]",
    "Let every process in containers stand still",
    pause,
    least=1,
    examples=("pause web",),
    completes="running",
)

UNPAUSE = Verb(
    "unpause",
    "CONTAINER [CONTAINER...]",
    "Let paused containers go on",
    unpause,
    least=1,
    examples=("unpause web",),
    completes="running",
)

KILL = Verb(
    "kill",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Send a signal to running containers",
    kill,
    (Option("signal", "s", "text", "The signal, by name or number (KILL)"),),
    least=1,
    examples=("kill web", "kill -s HUP web"),
    completes="running",
)

WAIT = Verb(
    "wait",
    "CONTAINER [CONTAINER...]",
    "Wait until containers have ended, and print their exit codes",
    wait,
    least=1,
    examples=("wait web",),
    completes="running",
)

RM = Verb(
    "rm",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Remove containers",
    remove,
    (
        Option("force", "f", "flag", "Kill it first if it is running"),
        Option("link", "l", "flag", "Remove a link's name: there are no links, and a container's own name stays"),
        Option("volumes", "v", "flag", "Remove the anonymous volumes that it alone uses, too"),
    ),
    least=1,
    examples=("rm web", "rm -fv web"),
    completes="container",
)

RENAME = Verb(
    "rename",
    "CONTAINER NEW_NAME",
    "Give a container another name",
    rename,
    least=2,
    most=2,
    examples=("rename brave_hopper web",),
    completes="container",
)
