"""Completion inside `%container …` and `%%in_container …`: verbs, options, images, names.

Verbs and options come from the rows that the commands are read with; names from
the store's files.  No launcher is started and no network asked.
"""

from __future__ import annotations

from IPython.core.completer import SimpleCompletion, context_matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from ipycontainer.commands.options import Option, Verb
    from ipycontainer.engine.engine import Engine

_NOTHING: SimpleMatcherResult = {"completions": []}


class Candidates:
    """What may stand at the cursor: `kind` is what a frontend shows beside it."""

    def __init__(self, kind: str, texts: Iterable[str], alone: bool = True) -> None:
        self.kind = kind
        self.texts = texts
        self.alone = alone  # whether file names and Python's names would only be in the way


def add(shell: InteractiveShell) -> None:
    """Puts the matcher in front of IPython's own."""
    shell.Completer.custom_matchers.append(_matcher)


def remove(shell: InteractiveShell) -> None:
    """Takes the matcher away."""
    if _matcher in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(_matcher)


@context_matcher(identifier="ipycontainer")
def _matcher(context: CompletionContext) -> SimpleMatcherResult:
    line = context.text_until_cursor
    # Asked at every key in every cell: nothing is imported before the line is known to be ours.
    if "container" not in line:
        return _NOTHING
    magic, mark, rest = _cut(line, context.cursor_line)
    if not magic:
        return _NOTHING
    words = rest.split()
    fragment = "" if not words or rest[-1:].isspace() else words.pop()
    found = _in_container(words, fragment) if magic == "in_container" else _container(words, fragment)
    completions = [SimpleCompletion(text, type=found.kind) for text in found.texts if text.startswith(fragment)]
    return {
        "completions": completions,
        "matched_fragment": fragment,
        "suppress": found.alone and bool(completions),
        "ordered": True,
    }


def _cut(line: str, number: int) -> tuple[str, str, str]:
    """`x = %container run ` -> ("container", "%", "run "); empty where the line is something else's."""
    import re

    match = re.match(r"\s*(?:[\w.,\s\[\]'\"]+=\s*)?(%%?)(container|in_container)\s(.*)$", line, re.DOTALL)
    if match is None:
        return "", "", ""
    mark, magic, rest = match.groups()
    if (mark == "%%" and number) or (magic == "in_container" and mark == "%"):
        return "", "", ""
    return magic, mark, rest


def _container(words: list[str], fragment: str) -> Candidates:
    from ipycontainer.commands import verbs
    from ipycontainer.errors import Error
    from ipycontainer.jupyter.cell_options import CELL_OPTIONS

    while words and words[0].startswith("-"):
        words = words[2 if words[0] in ("--out", "--err", "--root") else 1 :]
    if not words:
        return Candidates("option", _names(CELL_OPTIONS)) if fragment[:1] == "-" else Candidates("verb", _first_words())
    if len(words) == 1 and words[0] in verbs.GROUPS:
        return Candidates("verb", _second_words(words[0]))
    try:
        verb, used = verbs.find(words)
    except Error:
        return Candidates("", ())
    return _after_verb(verb, words[used:], fragment)


def _in_container(words: list[str], fragment: str) -> Candidates:
    from ipycontainer.jupyter.in_container import verb

    return _after_verb(verb(), words, fragment)


def _after_verb(verb: Verb, words: Sequence[str], fragment: str) -> Candidates:
    waiting, arguments = _where(verb, words)
    if waiting is not None:
        return _value_of(waiting)
    if arguments and not verb.mixed:
        return Candidates("", ())  # words of the container's own command
    if fragment.startswith("-"):
        return Candidates("option", _names(verb.options))
    if verb.most is not None and arguments >= verb.most:
        return Candidates("", ())
    return Candidates(verb.completes, _things(verb.completes))


def _where(verb: Verb, words: Sequence[str]) -> tuple[Option | None, int]:
    """The option that still waits for its value, if any, and the number of arguments so far."""
    known = {f"--{option.long}": option for option in verb.options}
    known |= {f"-{option.short}": option for option in verb.options if option.short}
    waiting, arguments = None, 0
    for word in words:
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            option = known.get(word)
            waiting = option if option is not None and option.kind != "flag" else None
        else:
            arguments += 1
            if not verb.mixed:
                break
    return waiting, arguments


def _value_of(option: Option) -> Candidates:
    if option.long == "network":
        return Candidates("network", ("none", "host"))
    # A folder for -v, a file for --env-file: IPython's own matchers know those.
    return Candidates("", (), alone=False)


def _names(options: Iterable[Option]) -> list[str]:
    return sorted(f"--{option.long}" for option in options if not option.refused and not option.hidden)


def _first_words() -> list[str]:
    from ipycontainer.commands.verbs import GROUPS, VERBS

    return sorted({name for name in VERBS if " " not in name} | set(GROUPS))


def _second_words(group: str) -> list[str]:
    from ipycontainer.commands.verbs import ALIASES, VERBS

    return sorted({name.partition(" ")[2] for name in (*VERBS, *ALIASES) if name.startswith(f"{group} ")})


def _things(kind: str) -> list[str]:
    """Names in the store; none where it cannot be read, for a completion must not fail."""
    from ipycontainer.errors import Error

    try:
        return _in_store(kind, _engine())
    except (Error, OSError):
        return []


def _in_store(kind: str, engine: Engine) -> list[str]:
    if kind == "image":
        names = {name.removesuffix(":latest") for image in engine.images() for name in image.names}
        return sorted(names | {"base"})
    if kind in ("container", "running"):
        return [container.name for container in engine.containers(all=kind == "container")]
    return []


def _engine() -> Engine:
    from IPython.core.getipython import get_ipython

    from ipycontainer.jupyter.extension import loaded

    shell: Any = get_ipython()
    return loaded(shell).engine(None)
