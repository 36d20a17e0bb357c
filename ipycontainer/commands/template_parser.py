"""Reads a `--format` template into the nodes of `templates.py`."""

from __future__ import annotations

from ipycontainer.commands.template_functions import FUNCTIONS
from ipycontainer.commands.templates import (
    Branch,
    Command,
    Field,
    Inclusion,
    Leave,
    Literal,
    Name,
    Pipeline,
    Text,
    Variable,
)
from ipycontainer.errors import TemplateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_DIGITS = "0123456789"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}
_KEYWORDS = {"true": True, "false": False, "nil": None}
_DEEPEST = 100


def parse(text: str) -> tuple[Any, ...]:
    """The nodes of a template; TemplateError says what is wrong with it."""
    return _Parser(_pieces(text)).whole()


def _pieces(text: str) -> list[tuple[str, Any]]:
    """("text", …) and ("action", tokens) in turn, with `{{-` and `-}}` applied."""
    pieces: list[tuple[str, Any]] = []
    trim = False
    while text:
        before, opened, text = text.partition("{{")
        if trim:
            before = before.lstrip(" \t\r\n")
        trim = False
        if text.startswith("-") and text[1:2] in " \t\r\n":
            before, text = before.rstrip(" \t\r\n"), text[1:]
        if before:
            pieces.append(("text", before))
        if not opened:
            break
        if text.lstrip().startswith("/*"):
            _comment, closed, text = text.partition("*/")
            text = text.lstrip()
            trim = text.startswith("-}}")
            if not closed or not text.startswith(("}}", "-}}")):
                raise TemplateError("a comment in the template is not closed: {{/* … */}}")
            text = text.partition("}}")[2]
            continue
        tokens, text, trim = _tokens(text)
        pieces.append(("action", tokens))
    return pieces


def _tokens(text: str) -> tuple[list[tuple[str, Any]], str, bool]:
    """The tokens up to `}}`, the text after it, and whether that is trimmed."""
    tokens: list[tuple[str, Any]] = []
    at = 0
    while at < len(text):
        letter = text[at]
        if text.startswith("}}", at):
            return tokens, text[at + 2 :], False
        if text.startswith("-}}", at):
            return tokens, text[at + 3 :], True
        if letter in " \t\r\n":
            if tokens and tokens[-1][0] != "space":
                tokens.append(("space", ""))
            at += 1
        elif letter in "\"`'":
            value, at = _string(text, at)
            tokens.append(("literal", value))
        elif letter in _DIGITS or (letter in "+-" and text[at + 1 : at + 2].isdigit()):
            end = at + 1
            while end < len(text) and text[end] in _DIGITS + ".xabcdefABCDEF_":
                end += 1
            tokens.append(("literal", _number(text[at:end])))
            at = end
        elif letter in _LETTERS or letter in ".$":
            end = at + 1
            while end < len(text) and (text[end] in _LETTERS + _DIGITS or ord(text[end]) > 127):
                end += 1
            tokens.append(({".": "field", "$": "variable"}.get(letter, "name"), text[at:end]))
            at = end
        elif text.startswith(":=", at):
            tokens.append(("define", ":="))
            at += 2
        elif letter in "|(),=":
            tokens.append((letter, letter))
            at += 1
        else:
            raise TemplateError(f"unexpected {letter!r} in the template")
    raise TemplateError("unclosed action in the template: }} is missing")


def _string(text: str, at: int) -> tuple[Any, int]:
    mark = text[at]
    parts: list[str] = []
    at += 1
    while at < len(text):
        letter = text[at]
        if letter == mark:
            value = "".join(parts)
            return (ord(value) if mark == "'" and len(value) == 1 else value), at + 1
        if letter == "\\" and mark != "`":
            at += 1
            letter = _ESCAPES.get(text[at : at + 1], "")
            if not letter:
                raise TemplateError(f"unknown escape \\{text[at : at + 1]} in the template")
        parts.append(letter)
        at += 1
    raise TemplateError(f"a text in the template is not closed: {mark} is missing")


def _number(text: str) -> int | float:
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise TemplateError(f"{text!r} in the template is no number") from None


class _Parser:
    def __init__(self, pieces: list[tuple[str, Any]]) -> None:
        self.pieces = pieces
        self.at = 0
        self.depth = 0
        self.ranges = 0
        self.bodies: dict[str, tuple[Any, ...]] = {}

    def whole(self) -> tuple[Any, ...]:
        nodes, word = self._until()
        if word:
            raise TemplateError(f"unexpected {{{{{word}}}}} in the template")
        return nodes

    def _until(self) -> tuple[tuple[Any, ...], str]:
        """Nodes up to `{{end}}` or `{{else}}`, and which of them it was."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise TemplateError("the template is nested too deeply")
        nodes: list[Any] = []
        while self.at < len(self.pieces):
            kind, content = self.pieces[self.at]
            self.at += 1
            if kind == "text":
                nodes.append(Text(content))
                continue
            tokens = [*content]
            while tokens and tokens[-1][0] == "space":
                tokens.pop()
            if not tokens:
                raise TemplateError("missing value for command: {{}} is empty")
            word = tokens[0][1] if tokens[0][0] == "name" else ""
            if word in ("end", "else"):
                self.depth -= 1
                if word == "else" and len(tokens) > 1:
                    # `{{else if x}}` is `{{else}}{{if x}}` with one `{{end}}` for both.
                    self.pieces.insert(self.at, ("action", tokens[2:]))
                    return tuple(nodes), "else if"
                return tuple(nodes), word
            if word in ("if", "with", "range"):
                nodes.append(self._branch(word, tokens[1:]))
            elif word in ("break", "continue"):
                if not self.ranges or len(tokens) > 1:
                    raise TemplateError(f"{{{{{word}}}}} stands alone, and between {{{{range}}}} and its {{{{end}}}}")
                nodes.append(Leave(word))
            elif word in ("define", "template", "block"):
                nodes += self._named(word, tokens[1:])
            else:
                nodes.append(_pipeline(tokens))
        self.depth -= 1
        return tuple(nodes), ""

    def _named(self, word: str, tokens: list[tuple[str, Any]]) -> list[Inclusion]:
        """`define` keeps a body, `template` shows one, `block` does both."""
        bare = [token for token in tokens if token[0] != "space"]
        if not bare or bare[0][0] != "literal" or not isinstance(bare[0][1], str):
            raise TemplateError(f"{{{{{word}}}}} needs a name in quotes")
        name, rest = bare[0][1], bare[1:]
        if (word == "define" and (rest or self.depth > 1)) or (word == "block" and not rest):
            raise TemplateError(f"{{{{{word}}}}} of {name!r} cannot be read in the template")
        if word != "template":
            ranges, self.ranges = self.ranges, 0
            self.bodies[name], end = self._until()
            self.ranges = ranges
            if end != "end":
                raise TemplateError(f"{{{{end}}}} is missing for {{{{{word}}}}} in the template")
        if word == "define":
            return []
        return [Inclusion(name, _pipeline(tokens[tokens.index(bare[0]) + 1 :]) if rest else None, self.bodies)]

    def _branch(self, kind: str, tokens: list[tuple[str, Any]]) -> Branch:
        pipeline = _pipeline(tokens)
        self.ranges += kind == "range"
        body, word = self._until()
        self.ranges -= kind == "range"
        otherwise: tuple[Any, ...] = ()
        if word == "else if":
            name, rest = self._opening()
            otherwise = (self._branch(name, rest),)
        elif word == "else":
            otherwise, word = self._until()
        if word not in ("end", "else if"):
            raise TemplateError(f"{{{{end}}}} is missing for {{{{{kind}}}}} in the template")
        return Branch(kind, pipeline, body, otherwise)

    def _opening(self) -> tuple[str, list[tuple[str, Any]]]:
        _kind, tokens = self.pieces[self.at]
        self.at += 1
        if not tokens or tokens[0][1] not in ("if", "with", "range"):
            raise TemplateError("after {{else}} only if or with can follow")
        return str(tokens[0][1]), tokens[1:]


def _pipeline(tokens: list[tuple[str, Any]]) -> Pipeline:
    variables: list[str] = []
    bare = [token for token in tokens if token[0] != "space"]
    kinds = [kind for kind, _ in bare[:4]]
    for shape in (["variable", "define"], ["variable", "="], ["variable", ",", "variable", "define"]):
        if kinds[: len(shape)] == shape:
            variables = [str(text) for kind, text in bare[: len(shape)] if kind == "variable"]
            tokens = tokens[tokens.index(bare[len(shape) - 1]) + 1 :]
            break
    commands, rest = _commands(tokens)
    if rest:
        raise TemplateError("unexpected ) in the template")
    return Pipeline(commands, tuple(variables), ("=", "=") in bare[:2])


def _commands(tokens: list[tuple[str, Any]]) -> tuple[tuple[Command, ...], list[tuple[str, Any]]]:
    """Commands up to the end or an unmatched `)`, and what follows (from that parenthesis on)."""
    commands: list[Command] = []
    words: list[Any] = []
    joined = False  # whether the next token touches the last one, as in `$x.A` or `(f).A`
    while True:
        if not tokens or tokens[0][0] in (")", "|"):
            if not words:
                raise TemplateError("missing value for command in the template")
            commands.append(Command(tuple(words)))
            words = []
            if not tokens or tokens[0][0] == ")":
                return tuple(commands), tokens
            tokens, joined = tokens[1:], False
            continue
        (kind, value), tokens = tokens[0], tokens[1:]
        if kind == "space":
            joined = False
        elif kind == "(":
            inner, tokens = _commands(tokens)
            if not tokens:
                raise TemplateError("unclosed left paren in the template")
            words.append(Pipeline(inner))
            tokens, joined = tokens[1:], True
        else:
            _word(words, kind, value, joined)
            joined = True


def _word(words: list[Any], kind: str, value: Any, joined: bool) -> None:
    if kind == "literal":
        words.append(Literal(value))
    elif kind == "variable":
        words.append(Variable(value))
    elif kind == "name":
        if value not in _KEYWORDS and value not in FUNCTIONS and value not in ("and", "or"):
            raise TemplateError(f"there is no function {value!r}")
        words.append(Literal(_KEYWORDS[value]) if value in _KEYWORDS else Name(value))
    elif kind == "field":
        names = (value[1:],) if value != "." else ()
        if joined and words and isinstance(words[-1], Field):
            words[-1] = words[-1].replace(names=(*words[-1].names, *names))
        elif joined and words:
            words[-1] = Field(names, words[-1])
        else:
            words.append(Field(names))
    else:
        raise TemplateError(f"unexpected {value!r} in the template")
