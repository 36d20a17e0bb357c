"""What a `--format` template can call, and how values look in its text."""

from __future__ import annotations

# Go's own bound of a width, beyond which a template of twenty letters would fill the memory.
_WIDEST = 10**6

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any


class StringMap(dict[str, str]):
    """A map whose keys are nobody's promise, as Go's `map[string]string`: one that is absent is `<no value>`."""


class Nothing(StringMap):
    """What a map of structs has not; a template may ask it for fields, and finds none."""


class StructMap(dict[str, dict[str, object]]):
    """A map of structs, as Go's: one that is absent is Nothing."""


class Struct(dict[str, object]):
    """A document some of whose fields Go calls otherwise than its JSON does.

    called: Go's name -> JSON's; a template may say either.  empty: texts that are left out where they say nothing.
    absent: fields that JSON leaves out where they say nothing, and that a template finds.
    """

    def __init__(
        self, fields: dict[str, Any], called: dict[str, str], empty: Sequence[str] = (), absent: Sequence[str] = ()
    ) -> None:
        super().__init__(fields)
        self.called, self.empty, self.absent = called, empty, absent


def shown(value: Any) -> str:
    """A value as Go prints it: `true`, `<no value>`, `[a b]`, `map[k:v]`, and a struct's fields as `{no 0}`."""
    return "<no value>" if value is None or isinstance(value, Nothing) else _inner(value)


def _inner(value: Any) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if _is_struct(value):
        return "{" + " ".join(map(_inner, value.values())) + "}"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{_inner(key)}:{_inner(item)}" for key, item in sorted(value.items())) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(map(_inner, value)) + "]"
    return str(value)


def _is_struct(value: Any) -> bool:
    """A document's part with fixed fields, which docker's words begin with a capital; the rest are maps."""
    if not isinstance(value, dict) or isinstance(value, StringMap):
        return False
    return bool(value) and all(key[:1].isupper() and key.isalnum() for key in value)


def truth(value: Any) -> bool:
    """What `if` thinks of a value: everything empty or zero is false."""
    return bool(value)


def as_json(value: Any) -> str:
    """JSON on one line; what can only be called is left out."""
    from ipycontainer.json_text import for_people

    return for_people(in_order(value))


def in_order(value: Any) -> Any:
    """Maps by their keys; fields as they stand."""
    if isinstance(value, (list, tuple)):
        return [in_order(item) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value) if _is_struct(value) and not any(map(callable, value.values())) else sorted(value)
    absent = value.absent if isinstance(value, Struct) else ()
    return {
        key: in_order(value[key])
        for key in keys
        if not callable(value[key]) and (key not in absent or not is_absent(value[key]))
    }


def is_absent(value: Any) -> bool:
    """Whether Go's JSON would leave it out; a 0 or a false that somebody asked for stays."""
    return value is None or value == "" or value == {} or value == []


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key, "")
        elif value is None:
            raise TypeError("nothing is there to look into")
        else:
            if not isinstance(key, int) or key < 0:
                raise TypeError(f"{key!r} is no position in a list")
            value = value[key]
    return value


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    last = len(value) if end is None else end
    if not 0 <= start <= last <= len(value):
        raise IndexError(f"index out of range: {start} to {last} of {len(value)}")
    return value[start:last]


def _length(value: Any) -> int:
    return 0 if value is None else len(value)  # a list that is not there has nothing in it


def _title(text: str) -> str:
    return "".join(
        letter.upper() if not before.isalnum() and before != "_" else letter for before, letter in zip(" " + text, text)
    )


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: test(left, right)


def _equal(first: Any, *others: Any) -> bool:
    return any(_is_equal(first, other) for other in others)


def _is_equal(left: Any, right: Any) -> bool:
    """docker's inspect takes `eq .State.ExitCode "0"`, where a number is what was written; true is no text."""
    kinds = {_kind(left), _kind(right)}
    if len(kinds) == 1 or "" in kinds:
        return bool(left == right)
    if "bool" in kinds:
        raise TypeError("incompatible types for comparison")
    return shown(left) == shown(right)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else ""


def _printf(form: str, *values: Any) -> str:
    """Go's verbs that reports use: %s %v %d %q %x %f %t %%, with widths."""
    parts, rest, left = [], form, list(values)
    while rest:
        before, percent, rest = rest.partition("%")
        parts.append(before)
        if not percent:
            break
        size = len(rest) - len(rest.lstrip("-+0123456789. "))
        flags, verb, rest = rest[:size], rest[size : size + 1], rest[size + 1 :]
        if verb == "%":
            parts.append("%")
        elif not left:
            raise TypeError(f"%{verb} has no value")
        else:
            parts.append(_formatted(flags, verb, left.pop(0)))
    return "".join(parts)


def _check_widths(widths: Iterable[int]) -> None:
    if any(width > _WIDEST for width in widths):
        raise ValueError(f"a width is at most {_WIDEST}")


def _formatted(flags: str, verb: str, value: Any) -> str:
    _check_widths(int(number) for number in flags.lstrip("-+0 ").split(".") if number)
    if verb in ("d", "x", "X", "o", "f", "e", "g"):
        return str(f"%{flags}{verb}" % value)
    if verb == "q":
        from ipycontainer.commands.tables import in_quotes

        value = in_quotes(str(value))
    elif verb not in ("s", "v", "t"):
        raise ValueError(f"%{verb} is not known here")
    return str(f"%{flags}s" % _inner(value))


def _print(*values: Any) -> str:
    """Go's print: a space between two neighbours of which neither is a text."""
    text = ""
    for before, value in zip((None, *values), values):
        text += " " if text and not isinstance(before, str) and not isinstance(value, str) else ""
        text += _inner(value)
    return text


def _html(*values: Any) -> str:
    text = _print(*values)
    for letter, name in (("&", "&amp;"), ('"', "&#34;"), ("'", "&#39;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(letter, name)
    return text


def _js(*values: Any) -> str:
    """Go's JSEscape."""
    named = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}
    return "".join(
        named.get(letter, letter if letter >= " " else f"\\u{ord(letter):04X}") for letter in _print(*values)
    )


def _urlquery(*values: Any) -> str:
    from urllib.parse import quote_plus

    return quote_plus(_print(*values), safe="~")


def _pad(text: str, before: int, after: int) -> str:
    _check_widths((before, after))
    return " " * before + text + " " * after if text else ""


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "json": as_json,
    "join": lambda items, separator: separator.join(map(shown, items or ())),
    "split": lambda text, separator: text.split(separator) if separator else list(text),
    "html": _html,
    "js": _js,
    "urlquery": _urlquery,
    "upper": lambda text: text.upper(),
    "lower": lambda text: text.lower(),
    "title": _title,
    "truncate": lambda text, most: text[:most],
    "pad": _pad,
    "print": _print,
    "println": lambda *values: " ".join(map(_inner, values)) + "\n",
    "printf": _printf,
    "len": _length,
    "index": _index,
    "slice": _slice,
    "eq": _equal,
    "ne": lambda left, right: not _is_equal(left, right),
    "lt": _compare(lambda left, right: left < right),
    "le": _compare(lambda left, right: left <= right),
    "gt": _compare(lambda left, right: left > right),
    "ge": _compare(lambda left, right: left >= right),
    "not": lambda value: not truth(value),
}
