"""`logs`: what a container has said."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call
    from ipycontainer.commands.options import Parsed
    from ipycontainer.engine.container import Container


def logs(call: Call) -> int:
    """Writes the lines, each to the stream that it came from."""
    parsed, console = call.parsed, call.console
    since, until = moment_of(parsed, "since"), moment_of(parsed, "until")
    tail = _tail(parsed.text("tail", "all"))
    container = call.engine.get(parsed.arguments[0])
    stamped = parsed.flag("timestamps")
    details = _details(container) if parsed.flag("details") else b""
    follows = parsed.flag("follow")
    entries = container.follow(tail, since, until) if follows else container.log_entries(tail, since, until)
    for entry in entries:
        data = details + entry.data
        if stamped:
            from ipycontainer.commands.units import rfc3339

            data = rfc3339(entry.time).encode() + b" " + data
        (console.err if entry.stream == "stderr" else console.out)(data)
    return 0


def _details(container: Container) -> bytes:
    from ipycontainer.commands.log_tag import tag_of
    from ipycontainer.engine.log_details import details_of

    return details_of(container, tag_of(container)).encode() + b" "


def _tail(text: str) -> int | None:
    """A number of lines; docker shows everything for `all` and for what is no number."""
    if text == "all":
        return None
    try:
        number = int(text)
    except ValueError:
        raise OptionError(f'invalid value "{text}" for --tail: it is a number of lines, or all') from None
    return None if number < 0 else number


def moment_of(parsed: Parsed, name: str) -> float | None:
    """The moment that an option names; None where it was not given."""
    if not parsed.text(name):
        return None
    from time import time

    from ipycontainer.engine.durations import moment

    try:
        return moment(parsed.text(name), time())
    except ValueError as error:
        refusal = OptionError(f"--{name}: {error}")
        refusal.exit_code = 1
        raise refusal from None


LOGS = Verb(
    "logs",
    "[OPTIONS] CONTAINER",
    "Show what a container has written",
    logs,
    (
        Option("details", "", "flag", "Put before each line the labels and variables that --log-opt chose"),
        Option("follow", "f", "flag", "Go on as more is written"),
        Option("since", "", "text", "From this moment on: a date, or 42m for 42 minutes ago"),
        Option("tail", "n", "text", "Number of lines from the end (all)"),
        Option("timestamps", "t", "flag", "Show when each line was written"),
        Option("until", "", "text", "Up to this moment"),
    ),
    least=1,
    most=1,
    examples=("logs web", "logs -f --tail 10 web"),
    completes="container",
)
