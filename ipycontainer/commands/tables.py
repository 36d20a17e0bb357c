"""Tables as docker aligns them, and the words in their cells."""

from __future__ import annotations

from ipycontainer.control_characters import on_one_line
from ipycontainer.record import Record

# docker's column: at least ten characters wide, three of them space before the next.
_LEAST_WIDTH, _GAP = 10, 3


class Table(Record):
    """Headings and rows of text."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    least_width: int = _LEAST_WIDTH

    def text(self) -> str:
        """The aligned table, without a newline at the end."""
        lines = [self.headings, *self.rows]
        widths = [max(self.least_width, _GAP + max(map(width, column))) for column in zip(*lines)]
        return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [cell + " " * (space - width(cell)) for cell, space in zip(cells[:-1], widths)]
    return "".join((*padded, *cells[-1:]))


def width(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def cut(text: str, most: int) -> str:
    """`text`, shortened to `most` columns with an ellipsis."""
    if width(text) <= most:
        return text
    while width(text) > most - 1:
        text = text[:-1]
    return text + "…"


def in_quotes(text: str) -> str:
    """`text` in double quotes, on one line, with whatever a terminal would obey written out."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + on_one_line(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'
