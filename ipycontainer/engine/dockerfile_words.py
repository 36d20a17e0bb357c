"""Words of a Dockerfile's instruction: quotes, backslashes and variables, as docker's own shell reads them.

`$A`, `${A}`, `${A:-else}`, `${A:+instead}`, `${A:?what is missing}`; what is not set is nothing.
"""

from __future__ import annotations

from ipycontainer.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def split(text: str) -> list[str]:
    """Words between blanks; quotes and backslashes keep blanks together, and stay in the words."""
    words, word, quote, escaped = [], "", "", False
    for letter in text:
        if letter.isspace() and not quote and not escaped:
            words.append(word)
            word = ""
            continue
        word += letter
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
    return [each for each in (*words, word) if each]


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """One word, without its quotes.  Raises InputError."""
    return "".join(_Reader(text, variables).pieces())


class _Reader:
    """Reads one text from its beginning to its end."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self._text, self._variables, self._at = text, variables, 0

    def _next(self) -> str:
        letter = self._text[self._at : self._at + 1]
        self._at += 1
        return letter

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def pieces(self, end: str = "") -> Iterator[str]:
        """What stands before `end`, piece by piece."""
        while letter := self._next():
            if letter == end:
                return
            if letter == "'":
                yield self._single()
            elif letter == '"':
                yield self._double()
            elif letter == "$":
                yield self._variable()
            elif letter == "\\":
                yield self._next()
            else:
                yield letter
        if end:
            raise self._unfinished(end)

    def _unfinished(self, what: str) -> InputError:
        return InputError(f"unexpected end of statement while looking for matching {what} in {self._text!r}")

    def _single(self) -> str:
        end = self._text.find("'", self._at)
        if end < 0:
            raise self._unfinished("single-quote")
        found, self._at = self._text[self._at : end], end + 1
        return found

    def _double(self) -> str:
        found = ""
        while letter := self._next():
            if letter == '"':
                return found
            if letter == "$":
                letter = self._variable()
            elif letter == "\\" and self._peek() in ('"', "$", "\\"):
                letter = self._next()
            found += letter
        raise self._unfinished("double-quote")

    def _name(self) -> str:
        start = self._at
        while (letter := self._peek()) and letter.isascii() and (letter.isalnum() or letter == "_"):
            self._at += 1
            if self._text[start].isdecimal() and not self._peek().isdecimal():
                break
        return self._text[start : self._at]

    def _variable(self) -> str:
        if self._peek() != "{":
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._next()
        name = self._name()
        value = self._variables.get(name, "")
        letter = self._next()
        if not name or letter not in ("}", ":"):
            raise InputError(f"bad substitution in {self._text!r}: write ${{NAME}} or ${{NAME:-instead}}")
        if letter == "}":
            return value
        kind = self._next()
        word = "".join(self.pieces("}"))
        if kind == "-":
            return value or word
        if kind == "+":
            return word if value else ""
        if kind == "?" and value:
            return value
        raise InputError(f"{name}: {word or 'not set'}" if kind == "?" else f"unsupported modifier {kind!r} for {name}")
