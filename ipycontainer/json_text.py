"""JSON at C speed without importing `json` (8.5 ms; its C half alone is 0.4 ms).

The C scanner and encoder are private to CPython, so the public module stands
behind them as the fall-back; `tests/unit` compares both on the same texts.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_INFINITY = float("inf")


class _Syntax(ValueError):
    """Text that is not JSON."""


class _Settings:
    """What `_json.make_scanner` reads: strict JSON, plain dicts and lists."""

    strict = True
    object_hook = None
    parse_int = int
    memo: dict[str, str]

    def __init__(self, pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None) -> None:
        self.object_pairs_hook = pairs_hook
        self.memo = {}

    @staticmethod
    def parse_float(text: str) -> float:
        value = float(text)
        if value in (_INFINITY, -_INFINITY):
            raise _Syntax(f"the number {text} is out of range")  # read as infinity, it could not be written again
        return value

    @staticmethod
    def parse_constant(name: str) -> Any:
        # NaN and Infinity are Python's own extension; RFC 8259 section 6 has no such numbers.
        raise _Syntax(f"{name} is not JSON")


def _scanner(pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None) -> Callable[[str, int], tuple[Any, int]] | None:
    """The C scanner, where there is one."""
    try:
        from _json import make_scanner
    except ImportError:
        return None
    settings: Any = _Settings(pairs_hook)
    made: Callable[[str, int], tuple[Any, int]] = make_scanner(settings)
    return made


_SCAN = _scanner(None)


def loads(text: str | bytes, pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value of one JSON text.

    pairs_hook is called with each object's (name, value) pairs in order, so
    that a caller can see names that stand twice.

    Raises ValueError for anything that is not exactly one JSON value in UTF-8,
    and for nesting that is too deep.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    scan = _SCAN if pairs_hook is None else _scanner(pairs_hook)
    if scan is None:
        return _loads_slowly(text, pairs_hook)
    stripped = text.strip(" \t\n\r")
    try:
        value, end = scan(stripped, 0)
    except StopIteration as stop:
        raise ValueError(f"no JSON value at character {stop.value}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except SystemError:
        # The C scanner takes its error class from `json.decoder` in sys.modules; where that was
        # never imported it fails without an exception.  The slow reader says what is wrong.
        return _loads_slowly(text, pairs_hook)
    if end != len(stripped):
        raise ValueError(f"more text after the JSON value, at character {end}")
    return value


def _loads_slowly(text: str, pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None) -> Any:
    import json

    try:
        return json.loads(
            text,
            object_pairs_hook=pairs_hook,
            parse_constant=_Settings.parse_constant,
            parse_float=_Settings.parse_float,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(value: object) -> Any:
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def dumps(value: Any, indent: int | None = None) -> str:
    """`value` as JSON text; compact unless `indent` is given (the C encoder knows no indent)."""
    if indent is None:
        try:
            from _json import encode_basestring_ascii, make_encoder
        except ImportError:
            pass
        else:
            encoder = make_encoder({}, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False)
            return "".join(encoder(value, 0))
    return _dumps_slowly(value, indent)


def _dumps_slowly(value: Any, indent: int | None, ascii_only: bool = True) -> str:
    import json

    separators = (",", ":") if indent is None else None
    return json.dumps(value, indent=indent, separators=separators, allow_nan=False, ensure_ascii=ascii_only)


def for_people(value: Any, indent: int | None = None) -> str:
    """The same as Go writes it, letters as they are; but what a terminal would obey stays escaped."""
    text = dumps(value, indent)
    if "\\u" not in text:
        return text
    text = _dumps_slowly(value, indent, ascii_only=False)
    # Of what is not printable the ends of lines alone stand outside of strings.
    return "".join(letter if letter == "\n" or letter.isprintable() else dumps(letter)[1:-1] for letter in text)
