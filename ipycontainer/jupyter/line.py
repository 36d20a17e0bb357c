"""What stands between `%container` and the verb."""

from __future__ import annotations

from ipycontainer.commands.before import OPTIONS
from ipycontainer.commands.options import Verb, read
from ipycontainer.commands.words import Word
from ipycontainer.jupyter.cell_options import CELL_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.commands import Call
    from ipycontainer.commands.options import Parsed


def before_the_verb(words: Sequence[Word]) -> tuple[Parsed, list[Word]]:
    """The cell's own options, and the words that are left for the commands to read."""
    if not words or words[0].text[:1] != "-":
        return read(_BEFORE, ()), list(words)
    parsed = read(_BEFORE, [word.text for word in words])
    if parsed.help:
        return parsed, [Word("--help")]
    rest = list(words[len(words) - len(parsed.arguments) :])
    if parsed.flag("version"):
        return parsed, [Word("--version")]
    if parsed.given("root"):
        rest = [Word("--root"), Word(parsed.text("root"), True), *rest]
    return parsed, rest


def _never(call: Call) -> int:
    raise AssertionError("what stands before a verb is read, not performed")


_BEFORE = Verb(
    "before the verb",
    "[OPTIONS] VERB",
    "",
    _never,
    (*(option for option in OPTIONS if option.long != "help"), *CELL_OPTIONS),
    mixed=False,
)
