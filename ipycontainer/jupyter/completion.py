"""Completion inside `%container …` and `%%in_container …`: verbs, options, images, names.

Verbs and options come from the rows that the commands are read with; names from
the store's files.  No launcher is started and no network asked.
"""

from __future__ import annotations

from typing import NamedTuple

from IPython.core.completer import SimpleCompletion, context_matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.completer import CompletionContext, SimpleMatcherResult

    from ipycontainer.commands.completion import Candidates
    from ipycontainer.engine.engine import Engine

    OpenEngine = Callable[[str | None], Engine]


class Found(NamedTuple):
    """What may stand at the cursor."""

    texts: list[str]
    kind: str  # what a frontend shows beside it
    alone: bool = True  # whether file names and Python's names would only be in the way


def matcher_for(open_engine: OpenEngine) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """What goes into IPython's `custom_matchers`."""

    @context_matcher(identifier="ipycontainer")
    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        return _complete(context, open_engine)

    return matcher


def _complete(context: CompletionContext, open_engine: OpenEngine) -> SimpleMatcherResult:
    # Asked at every key in every cell: nothing is imported before the line is known to be ours.
    if "container" not in context.full_text:
        return {"completions": []}
    magic, rest = _cut(*_continued(context))
    if not magic:
        return {"completions": []}
    words, fragment = _words(rest)
    found = (_in_container if magic == "in_container" else _container)(words, fragment, open_engine)
    completions = [SimpleCompletion(text, type=found.kind) for text in found.texts if text.startswith(fragment)]
    return {
        "completions": completions,
        "matched_fragment": fragment,
        "suppress": found.alone and bool(completions),
        "ordered": True,
    }


def _continued(context: CompletionContext) -> tuple[str, int]:
    """The line until the cursor, with those before it that a backslash lets go on, and the number of the first."""
    line, number = context.text_until_cursor, context.cursor_line
    above = context.full_text.split("\n")[:number]
    while above and above[-1].endswith("\\"):
        line, number = f"{above.pop()[:-1]} {line}", number - 1
    return line, number


def _cut(line: str, number: int) -> tuple[str, str]:
    """`x = %container run ` -> ("container", "run "); empty where the line is something else's."""
    import re

    match = re.match(r"\s*(?:[\w.,\s\[\]'\"]+=\s*)?(%%?)(container|in_container)\s(.*)$", line, re.DOTALL)
    if match is None:
        return "", ""
    mark, magic, rest = match.groups()
    if (mark == "%%" and number) or (magic == "in_container" and mark == "%"):
        return "", ""
    return magic, rest


def _words(rest: str) -> tuple[list[str], str]:
    """The whole words, and the one that was begun; a quotation that is open is all of it."""
    from ipycontainer.commands.words import split
    from ipycontainer.errors import OptionError

    whole = len(rest) - len(rest.split()[-1]) if rest[-1:].strip() else len(rest)
    try:
        return [word.text for word in split(rest[:whole])], rest[whole:]
    except OptionError:
        return [], rest


def _container(words: list[str], fragment: str, open_engine: OpenEngine) -> Found:
    from ipycontainer.commands.completion import candidates
    from ipycontainer.jupyter.cell_options import CELL_OPTIONS

    root = None
    while words and words[0].startswith("-"):
        name, equals, value = words[0].partition("=")
        apart = not equals and name in ("--out", "--err", "--root")
        if name == "--root":
            root = "".join(words[1:2]) if apart else value
        words = words[2 if apart else 1 :]
    if not words and fragment.startswith("-"):
        return Found([f"--{option.long}" for option in CELL_OPTIONS], "option")
    return _found(candidates(words, fragment), lambda: open_engine(root))


def _in_container(words: list[str], fragment: str, open_engine: OpenEngine) -> Found:
    from ipycontainer.commands.completion import after
    from ipycontainer.jupyter.in_container import verb

    return _found(after(verb(), words, fragment), lambda: open_engine(None))


def _found(candidates: Candidates, open_engine: Callable[[], Engine]) -> Found:
    from ipycontainer.commands.completion import names_in

    if candidates.names:
        # A folder for -v: IPython's own matcher knows those.
        alone = candidates.names != "folder"
        return Found(names_in(candidates.names, open_engine), candidates.names, alone)
    texts = sorted(text for text, _ in candidates.words)
    return Found(texts, "option" if texts and texts[0].startswith("-") else "verb")
