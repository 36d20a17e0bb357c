"""How results look: tables, lists of lines and documents, each plain first, in HTML where that helps.

What a container can choose (a command, a label, a name) is text, never markup:
HTML is built from escaped text, and control characters are written out.
"""

from __future__ import annotations

from IPython.utils.text import SList

from ipycontainer.control_characters import on_one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

_LEFT = ' style="text-align:left"'

AS_IT_IS = ' class="mathjax_ignore tex2jax_ignore"'
"""Of an element with text of others: `$i` and `$x` in a command are no formula between them (MathJax 3, and 2)."""


class Table:
    """Rows under headings, as `ps` and `images` give them.

    Iterating gives a dict for each row; `table["NAMES"]` is a column, `table[0]` a row, `table[:2]` some of them.
    """

    def __init__(self, headings: Sequence[str], rows: Sequence[Sequence[str]], text: str = "") -> None:
        self.headings = tuple(headings)
        self.rows = [tuple(row) for row in rows]
        self._text = text or aligned(self.headings, self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, str]]:
        for row in self.rows:
            yield dict(zip(self.headings, row))

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, int | slice):
            return list(self)[key]
        if key not in self.headings:
            raise KeyError(key)
        place = self.headings.index(key)
        return [row[place] for row in self.rows]

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": self._text, "text/html": self._html()}

    def _html(self) -> str:
        head = "".join(f"<th{_LEFT}>{escaped(heading)}</th>" for heading in self.headings)
        body = "".join(
            "<tr>" + "".join(f"<td{_LEFT}>{escaped(value)}</td>" for value in row) + "</tr>" for row in self.rows
        )
        return f"<table{AS_IT_IS}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Lines(SList):
    """Lines of text: a list of strings with IPython's `.n`, `.s`, `.grep`, as `!command` gives it."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        most = printer.max_seq_length or len(self)  # as many as IPython shows of any list
        printer.text("\n".join(on_one_line(line) for line in self[:most]))
        if len(self) > most:
            printer.text(f"\n… {len(self) - most:,} lines more")


class DocumentList(list):
    """What `inspect` found, as plain data that prints as JSON."""

    def __repr__(self) -> str:
        return json(list(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


class DocumentDict(dict):
    """One document, as plain data that prints as JSON."""

    def __repr__(self) -> str:
        return json(dict(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def document(value: Any) -> Any:
    """`value` in a form that prints as JSON."""
    if isinstance(value, list):
        return DocumentList(value)
    return DocumentDict(value) if isinstance(value, dict) else value


def json(value: Any) -> str:
    """JSON text for a person."""
    from ipycontainer.json_text import dumps

    return dumps(value, indent=4)


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as text, columns three spaces apart as docker sets them."""
    table = [list(headings), *([on_one_line(value) for value in row] for row in rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(headings))]
    return "\n".join("   ".join(value.ljust(width) for value, width in zip(row, widths)).rstrip() for row in table)


def escaped(text: str) -> str:
    """`text` as HTML that shows exactly it."""
    import html

    return html.escape(on_one_line(text), quote=True)
