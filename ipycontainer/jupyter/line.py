"""What stands between `%container` and the verb."""

from __future__ import annotations

from ipycontainer.commands import verbs
from ipycontainer.commands.before import OPTIONS
from ipycontainer.commands.options import Verb, read
from ipycontainer.commands.words import Word
from ipycontainer.jupyter.cell_options import CELL_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.commands import Call
    from ipycontainer.commands.options import Parsed

_LOOKING = ("logs", "events", "stats")


def continued(line: str, cell: str | None) -> tuple[str, str | None]:
    """Both, where a backslash at a line's end lets it go on in the next, as in a shell; IPython joins a single %'s."""
    while cell and line.endswith("\\"):
        more, _, cell = cell.partition("\n")
        line = f"{line[:-1]} {more}"
    return line, cell


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


def only_looks(words: Sequence[Word]) -> bool:
    """Whether the verb merely follows what happens, so that an interrupt is its usual end.

    words: what `before_the_verb` left.
    """
    texts = [word.text for word in words]
    texts = texts[verbs.before_the_verb(texts).used :]
    named = texts[0] if texts and texts[0] in verbs.VERBS else verbs.ALIASES.get(" ".join(texts[:2]))
    return named in _LOOKING


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
