"""Go's path.Match, which docker's `reference` filter is: `*` and `?` stop at a slash, `[^x]` is what is not x."""

from __future__ import annotations

import re

from ipycontainer.errors import InputError


class PathPattern:
    """A pattern that was read once.  Raises InputError for what is none."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = list(reversed(text))
        self._pattern = re.compile("".join(self._parts()), re.DOTALL)

    def matches(self, path: str) -> bool:
        """Whether all of `path` is meant."""
        return self._pattern.fullmatch(path) is not None

    def _parts(self) -> list[str]:
        parts = []
        while self._left:
            letter = self._next()
            if letter == "*":
                parts.append("[^/]*")
            elif letter == "?":
                parts.append("[^/]")
            elif letter == "[":
                parts.append(self._class())
            else:
                parts.append(re.escape(self._next() if letter == "\\" else letter))
        return parts

    def _class(self) -> str:
        """`[a-c]`, `[^a]`; a `-` or `]` that is meant itself stands behind a backslash."""
        negated = self._left[-1:] == ["^"]
        if negated:
            self._next()
        ranges = [self._range()]
        while self._left[-1:] != ["]"]:
            ranges.append(self._range())
        self._next()
        inside = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges if low <= high)
        if not inside:
            return "." if negated else r"(?!)"
        return f"[{'^' if negated else ''}{inside}]"

    def _range(self) -> tuple[str, str]:
        low = high = self._bound()
        if self._left[-1:] == ["-"]:
            self._next()
            high = self._bound()
        return low, high

    def _bound(self) -> str:
        letter = self._next()
        if letter in "-]":
            raise self._wrong()
        return self._next() if letter == "\\" else letter

    def _next(self) -> str:
        if not self._left:
            raise self._wrong()
        return self._left.pop()

    def _wrong(self) -> InputError:
        return InputError(f"syntax error in pattern {self._text!r}: a [ needs its ], a backslash what it stands before")
