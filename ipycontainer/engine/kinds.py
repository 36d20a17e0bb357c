"""What callers in Python give: taken in the forms that people write, refused in a sentence where it is not that."""

from __future__ import annotations

import os

from ipycontainer.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

_LONGEST = 2_000_000.0  # seconds: poll(2) counts milliseconds in 31 bits
_SHOWN = 40  # characters of what is refused


def text(value: object, what: str) -> str:
    """`value`, text or a path, as text that a program can be given.  Raises InputError."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise refusal(value, what, "text")
    if "\0" in value:
        raise InputError(f"{what} cannot hold a NUL character: {value[:_SHOWN]!r}")
    try:
        value.encode("utf-8", "surrogateescape")  # as the wire and every job do, whatever this process's locale is
    except UnicodeEncodeError:
        raise InputError(f"{what} cannot be written in UTF-8: {value[:_SHOWN]!r}") from None
    return value


def name(value: object, what: str) -> str:
    """What is looked for by name: any text, for there may be none of it.  Raises InputError."""
    if not isinstance(value, str):
        raise refusal(value, what, "text")
    return value


def words(value: Sequence[str] | str | None, what: str) -> tuple[str, ...]:
    """A program and its arguments: a list, or text that is split as a shell does.  Raises InputError."""
    if not isinstance(value, str):
        return items(value, what)
    text(value, what)
    if not any(mark in value for mark in "\"'\\"):
        return tuple(value.split())
    import shlex

    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise InputError(f"{what} cannot be split into words ({error}): {value}; give a list") from None


def items(value: Iterable[str] | str | None, what: str) -> tuple[str, ...]:
    """A list of text; one text alone is a list of one.  Raises InputError."""
    if value is None:
        return ()
    if isinstance(value, (str, bytes, os.PathLike)):
        return (text(value, what),)
    try:
        return tuple(text(item, f"each item of {what}") for item in value)
    except TypeError:
        raise refusal(value, what, "a list of text") from None


def pairs(values: Mapping[str, Any] | Sequence[str] | None, what: str, between: str = "=") -> tuple[str, ...]:
    """A mapping as NAME=VALUE items, NAME alone where the value is None; items as they are.  Raises InputError."""
    if values is None or not hasattr(values, "items"):
        return items(values, what)
    found = []
    for key, value in values.items():
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if not (value is None or isinstance(value, (str, int, float))):
            raise refusal(value, f"{what}: the value of {key}", "text or a number")
        found.append(str(key) if value is None else f"{key}{between}{value}")
    return items(found, what)


def filters(values: Any) -> list[tuple[str, str]]:
    """docker's filters: (name, value) items, or a mapping.  Raises InputError."""
    found = list(values.items() if hasattr(values, "items") else values) if hasattr(values, "__iter__") else [values]
    for item in found:
        if not (isinstance(item, (tuple, list)) and len(item) == 2 and all(isinstance(part, str) for part in item)):
            raise refusal(values, "filters", '(name, value) items, such as [("label", "a=b")]')
    return [(key, value) for key, value in found]


def whole(value: Any, what: str) -> int:
    """A whole number; None is 0.  Raises InputError."""
    import operator

    try:
        return 0 if value is None else operator.index(value)
    except TypeError:
        raise refusal(value, what, "a whole number") from None


def amount(value: Any, what: str) -> int:
    """A whole number that is not below 0.  Raises InputError."""
    found = whole(value, what)
    if found < 0 or value is None:
        raise refusal(value, what, "a whole number, 0 or more")
    return found


def number(value: Any, what: str) -> float:
    """Any number, also as text; None is 0.  Raises InputError."""
    try:
        return 0.0 if value is None else float(value)
    except (TypeError, ValueError):
        raise refusal(value, what, "a number") from None


def time_limit(value: Any, what: str) -> float | None:
    """Seconds above 0; None, or more than a poll can wait, is no limit.  Raises InputError."""
    found = patience(value, what)
    if found is not None and found <= 0:
        raise refusal(value, what, "seconds, more than 0, or None")
    return found if found is not None and found < _LONGEST else None


def patience(value: Any, what: str) -> float | None:
    """How many seconds to wait; None: for ever.  Raises InputError."""
    found = None if value is None else number(value, what)
    if found != found:
        raise refusal(value, what, "a number of seconds, or None")
    return found


def binary(value: Any, what: str) -> bytes | None:
    """Bytes, or what holds bytes; None stays.  Raises InputError."""
    if value is None or isinstance(value, bytes):
        return value
    if not isinstance(value, (bytearray, memoryview)):
        raise refusal(value, what, "bytes (of text: its .encode())")
    return bytes(value)


def refusal(value: object, what: str, wanted: str) -> InputError:
    """The sentence for what is no `wanted`."""
    shown = "None" if value is None else f"{type(value).__name__} {repr(value)[:_SHOWN]}"
    return InputError(f"{what} must be {wanted}, not {shown}")
