"""A line as a person types it, cut into words that remember what was quoted.

The rules are a POSIX shell's (quotes, backslashes), without what a shell would
put in place of something else: `$HOME`, `{name}`, `*` and `#` stay as they are,
because in a notebook they nearly always belong to the guest.
"""

from __future__ import annotations

from ipycontainer.errors import OptionError
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_BLANK = " \t\n"
_ESCAPED_IN_DOUBLE_QUOTES = '"\\$`\n'


class Word(Record):
    """One word.

    quoted: some part of it stood in quotes or after a backslash.
    arrow: the `<`, `>` or `>>` that the word begins with, unquoted ("" for none).
    """

    text: str
    quoted: bool = False
    arrow: str = ""


def literal(text: str) -> Word:
    """A word that a shell has cut already: nothing in it is an operator."""
    return Word(text, True)


def split(line: str) -> list[Word]:
    """The words of `line`; OptionError for a quotation mark that is not closed."""
    words: list[Word] = []
    at = 0
    while True:
        while at < len(line) and line[at] in _BLANK:
            at += 1
        if at == len(line):
            return words
        word, at = _word(line, at)
        if word is not None:
            words.append(word)


def _word(line: str, at: int) -> tuple[Word | None, int]:
    arrow = ""
    if line[at] in "<>":
        arrow = line[at : at + 2] if line.startswith(">>", at) else line[at]
    parts: list[str] = []
    quoted = continued = False
    while at < len(line) and line[at] not in _BLANK:
        character = line[at]
        if character in "'\"":
            text, at = _quoted(line, at)
            quoted = True
        elif character == "\\" and at + 1 < len(line):
            text, at = line[at + 1], at + 2
            if text == "\n":  # the line goes on; nothing was said
                text, continued = "", True
            else:
                quoted = True
        else:
            text, at = character, at + 1
        parts.append(text)
    word = Word("".join(parts), quoted, arrow)
    return (None if continued and not word.text and not quoted else word), at


def _quoted(line: str, start: int) -> tuple[str, int]:
    mark = line[start]
    parts: list[str] = []
    at = start + 1
    while at < len(line):
        character = line[at]
        if character == mark:
            return "".join(parts), at + 1
        if character == "\\" and mark == '"' and line[at + 1 : at + 2] in _ESCAPED_IN_DOUBLE_QUOTES:
            character = line[at + 1 : at + 2]
            at += 1
            if character == "\n":
                character = ""
        parts.append(character)
        at += 1
    raise OptionError(f"the quotation mark {mark} at character {start + 1} is not closed")


class Redirection(Record):
    """What `<` and `>` of a line ask for."""

    words: tuple[Word, ...]
    source: str = ""
    target: str = ""
    append: bool = False


def redirection(words: Sequence[Word]) -> Redirection:
    """Takes `< FILE`, `> FILE` and `>> FILE` out of `words`; only unquoted arrows count."""
    kept: list[Word] = []
    source = target = ""
    append = False
    rest = iter(words)
    for word in rest:
        if not word.arrow:
            kept.append(word)
            continue
        name = word.text[len(word.arrow) :]
        if not name:
            following = next(rest, None)
            if following is None or following.arrow:
                raise OptionError(f"a file name is missing after {word.arrow}")
            name = following.text
        if word.arrow == "<":
            source = name
        else:
            target, append = name, word.arrow == ">>"
    return Redirection(tuple(kept), source, target, append)
