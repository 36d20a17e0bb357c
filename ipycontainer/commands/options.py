"""An option is a row; one reader for all verbs, which behaves as docker's does.

The rules are those of the library that docker reads its flags with (pflag):
a flag takes a value only after `=`; short ones may be joined (`-it`), and the
last of them may carry its value (`-m64m`, `-m=64m`); `--` ends the options; where
words may not be mixed (run, create, exec) everything after the first plain word
belongs to the command, `--` included.

Help, completion and what is refused come from the same rows.  The rows that
docker knows and this release does not stand in `refused.py`, which is read only
when one of them is used.
"""

from __future__ import annotations

from ipycontainer.errors import OptionError, Refused, WrongArguments
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ipycontainer.commands import Call

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


class Option(Record):
    """One option.

    kind: a word of `KINDS` (`flag` takes no value; see `values.py` for the rest).
    many: it may be repeated, and all its values count.
    refused: why this release refuses it ("" for an option that works).
    refusal_code: what a refused call ends with; not 125 where docker refuses it too, in the words of `refused`.
    harmless: values of a refused option that ask for nothing, and so pass; "*" is every value.
    """

    long: str
    short: str
    kind: str
    help: str
    many: bool = False
    refused: str = ""
    harmless: tuple[str, ...] = ()
    hidden: bool = False
    refusal_code: int = Refused.exit_code

    @property
    def names(self) -> str:
        """`-m, --memory`, as docker writes it in a sentence."""
        return f"-{self.short}, --{self.long}" if self.short else f"--{self.long}"


_HELP = Option("help", "", "flag", "Say how the verb is used")


class Verb(Record):
    """What a verb takes, says in its help, and does."""

    name: str
    usage: str
    summary: str
    perform: Callable[[Call], int]
    options: tuple[Option, ...] = ()
    least: int = 0
    most: int | None = None
    mixed: bool = True  # options may stand after the first argument
    examples: tuple[str, ...] = ()
    completes: str = ""  # what the arguments name: "container", "running", "image"
    own_exit_code: bool = False  # 125, 126, 127 of a failure are its own (run, exec)


class Parsed:
    """The values of one call, by the option's long name."""

    def __init__(self, verb: Verb) -> None:
        self.verb = verb
        self.arguments: list[str] = []
        self.values: dict[str, Any] = {}
        self.help = False

    def given(self, name: str) -> bool:
        """Whether the option was on the line at all."""
        return name in self.values

    def flag(self, name: str) -> bool:
        """A flag; False where it was not given."""
        return bool(self.values.get(name, False))

    def text(self, name: str, default: str = "") -> str:
        """A text option's last value."""
        return str(self.values.get(name, default))

    def number(self, name: str, default: int = 0) -> int:
        """A whole number or a size."""
        return int(self.values.get(name, default))

    def many(self, name: str) -> list[Any]:
        """All values of an option that may be repeated, in order."""
        return list(self.values.get(name, ()))


def read(verb: Verb, words: Sequence[str]) -> Parsed:
    """Reads the words after a verb.

    Raises OptionError for bad grammar (docker's sentences), Refused for an option
    that docker knows and this release does not, WrongArguments for too few or too
    many arguments.
    """
    reader = _Reader(verb, words)
    parsed = reader.parsed
    reader.read()
    if parsed.help:
        return parsed
    if reader.refused is not None:
        raise reader.refused
    _count(verb, parsed.arguments)
    return parsed


class _Reader:
    def __init__(self, verb: Verb, words: Sequence[str]) -> None:
        self.parsed = Parsed(verb)
        self.words = list(words)
        self.at = 0
        self.refused: Refused | None = None
        self.long = {option.long: option for option in verb.options}
        self.short = {option.short: option for option in verb.options if option.short}

    def read(self) -> None:
        parsed = self.parsed
        while self.at < len(self.words) and not parsed.help:
            word = self.words[self.at]
            self.at += 1
            if len(word) < 2 or word[0] != "-":
                parsed.arguments.append(word)
                if not parsed.verb.mixed:
                    break
            elif word == "--":
                break
            elif word[1] == "-":
                self._long_word(word)
            else:
                self._short_words(word[1:])
        parsed.arguments += self.words[self.at :]

    def _long_word(self, word: str) -> None:
        name, equals, value = word[2:].partition("=")
        if not name or name[0] == "-":
            raise OptionError(f"bad flag syntax: {word}")
        if name == "help":
            self.parsed.help = not equals or _value(_HELP, value)
            return
        option = self.long.get(name) or self._elsewhere(name, "")
        if option is None:
            raise OptionError(f"unknown flag: --{name}")
        if not equals:
            value = "true" if option.kind == "flag" else self._next(f"--{name}")
        self._keep(option, value)

    def _short_words(self, letters: str) -> None:
        """`it`, `m64m`, `m=64m`: what stands after one dash."""
        while letters and not self.parsed.help:
            option = self.short.get(letters[0]) or self._elsewhere("", letters[0])
            if option is None:
                if letters[0] == "h":
                    self.parsed.help = True
                    return
                raise OptionError(f"unknown shorthand flag: {letters[0]!r} in -{letters}{_signal_hint(self, letters)}")
            rest = letters[1:]
            if len(rest) > 1 and rest[0] == "=":
                value, rest = rest[1:], ""
            elif option.kind == "flag":
                value = "true"
            elif rest:
                value, rest = rest, ""
            else:
                value = self._next(f"{letters[0]!r} in -{letters}")
            self._keep(option, value)
            letters = rest

    def _next(self, named: str) -> str:
        if self.at == len(self.words):
            raise OptionError(f"flag needs an argument: {named}")
        self.at += 1
        return self.words[self.at - 1]

    def _elsewhere(self, long: str, short: str) -> Option | None:
        from ipycontainer.commands.refused import find

        return find(self.parsed.verb.name, long, short)

    def _keep(self, option: Option, text: str) -> None:
        if option.kind == "filter" and not text:
            return  # docker takes an empty one for none: a script's "$FILTER" may be empty
        value = _value(option, text)
        if option.refused:
            if "*" not in option.harmless and text not in option.harmless and self.refused is None:
                self.refused = _refusal(option)
            return
        if option.many:
            self.parsed.values.setdefault(option.long, []).append(value)
        else:
            self.parsed.values[option.long] = value


def _refusal(option: Option) -> Refused:
    own = option.refusal_code != Refused.exit_code  # docker refuses it too, and its sentence names it
    error = Refused(option.refused if own else f"{option.names} is refused: {option.refused}")
    error.exit_code = option.refusal_code
    return error


def _signal_hint(reader: _Reader, letters: str) -> str:
    # Everybody's fingers know kill(1); docker refuses it too, but does not say what it wants.
    return " (a signal is given by name or number: kill -s 9)" if reader.parsed.verb.name == "kill" else ""


def _value(option: Option, text: str) -> Any:
    if option.kind == "text":
        return text
    try:
        if option.kind == "flag":
            return boolean(text)
        from ipycontainer.commands.values import CONVERT

        return CONVERT[option.kind](text)
    except ValueError as error:
        raise OptionError(f'invalid argument "{text}" for "{option.names}" flag: {error}') from None


def boolean(text: str) -> bool:
    """`true` or `false` in one of the spellings that docker takes."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("neither true nor false")


def _count(verb: Verb, arguments: Sequence[str]) -> None:
    count = len(arguments)
    if count >= verb.least and (verb.most is None or count <= verb.most):
        return
    if verb.most == 0:
        wants = "accepts no arguments"
    elif verb.most == verb.least:
        wants = f"requires {verb.least} argument{'s' if verb.least > 1 else ''}"
    elif count < verb.least:
        wants = f"requires at least {verb.least} argument{'s' if verb.least > 1 else ''}"
    else:
        wants = f"requires at most {verb.most} argument{'s' if verb.most != 1 else ''}"
    raise WrongArguments(f"'{verb.name}' {wants}: {verb.name} {verb.usage}".rstrip())
