"""`%%in_container [IMAGE] [options]`: a cell's text as the program of a `run`."""

from __future__ import annotations

from ipycontainer.commands import Call
from ipycontainer.commands.options import read
from ipycontainer.commands.words import split
from ipycontainer.errors import OptionError
from ipycontainer.jupyter.cell_options import CELL_OPTIONS, PROGRAM_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.commands.options import Parsed, Verb
    from ipycontainer.commands.words import Word

NAME = "%%in_container"
SHELL = "/bin/sh"
_PYTHON = ("python3", "-u")  # what is printed shall be seen when it is printed
LONGEST_ARGUMENT = 100_000
"""Linux takes 128 KiB in one argument."""
_MEANINGLESS = ("entrypoint", "interactive", "tty")


def verb() -> Verb:
    """`run`'s row with the cell's own options, which may stand on either side of the image."""
    from ipycontainer.commands.refused import ROWS
    from ipycontainer.commands.verbs import load

    run = load("run")
    taken = [option.replace(hidden=option.hidden or option.long in _MEANINGLESS) for option in run.options]
    refused = [option.replace(hidden=True) for option in ROWS.get("run", ())]
    return run.replace(
        name=NAME,
        usage="[IMAGE] [OPTIONS]",
        summary="Run the cell's text in a new container",
        options=(*PROGRAM_OPTIONS, *CELL_OPTIONS, *taken, *refused),
        least=0,
        most=1,
        mixed=True,
        examples=(f"{NAME} --rm -v .:/work -w /work", f"{NAME} base --python --out result"),
    )


def help_text() -> str:
    """What `%%in_container --help` says."""
    from ipycontainer.commands.help import verb_help

    return verb_help(verb(), "").replace("Usage:   ", "Usage:  ", 1)


def expands(words: Sequence[Word], default_options: str) -> bool:
    """Whether `--expand` is on the line or among the options that every line begins with.

    Python's values are not there yet: names of options count, and no value is looked at.
    """
    cell = verb()
    unread = [option if option.kind == "flag" else option.replace(kind="text") for option in cell.options]
    texts = [_without_value(word) for word in (*split(default_options), *words)]
    return read(cell.replace(options=tuple(unread), most=None), texts).flag("expand")


def _without_value(word: Word) -> str:
    """Of `--rm={keep}` the flag alone is known; whether it is set, Python says."""
    name, equals, value = word.text.partition("=")
    return f"{name}=true" if equals and name[:1] == "-" and ("$" in value or "{" in value) else word.text


def read_line(texts: Sequence[str], default_options: str, default_image: str) -> Parsed:
    """What the line asks for; the first argument is the image."""
    parsed = read(verb(), [*(word.text for word in split(default_options)), *texts])
    if not parsed.arguments:
        parsed.arguments = [default_image]
    if parsed.given("entrypoint"):
        raise OptionError("--entrypoint has no meaning here: --interpreter names what runs the cell")
    if parsed.flag("python") and parsed.given("interpreter"):
        raise OptionError("--python and --interpreter exclude each other")
    if parsed.flag("rm") and _restarts(parsed):
        raise OptionError("--restart keeps the container, and the line begins with --rm: write --rm=false as well")
    return parsed


def _restarts(parsed: Parsed) -> bool:
    return parsed.text("restart", "no") not in ("", "no")


def put_program(parsed: Parsed, cell: str) -> str | None:
    """Makes the cell's text the program; returns what the program gets on stdin."""
    if not cell.endswith("\n"):
        cell += "\n"
    if parsed.given("interpreter"):
        command = [word.text for word in split(parsed.text("interpreter"))]
        if not command:
            raise OptionError("--interpreter needs a command, for instance --interpreter 'perl -w'")
    else:
        # As an argument, so that `read` and `cat` in the cell do not eat the cell, and another start finds it again.
        fits = len(cell.encode()) <= LONGEST_ARGUMENT
        command = [*_PYTHON, "-c" if fits else "-"] if parsed.flag("python") else [SHELL, "-c" if fits else "-s"]
        if fits:
            command, cell = [*command, cell], ""
    if cell and _restarts(parsed):
        raise OptionError("--restart would start it again without its text, which it reads from stdin: leave it out")
    parsed.values["entrypoint"] = command[0]
    parsed.arguments += command[1:]
    if not cell:
        return None
    parsed.values["interactive"] = True
    if parsed.flag("detach") and not parsed.given("attach"):
        # Somebody stays until the program has its text: else it would wait for that for ever.
        del parsed.values["detach"]
        parsed.values["attach"] = ["stdin"]
    return cell


def perform(call: Call) -> int:
    """Runs it; errors are raised."""
    from ipycontainer.commands.verbs import load

    return load("run").perform(call)
