"""`--format`: a template for one document, or for the rows of a list.

A report is made before the engine is asked, so a template that cannot be read
is told at once.
"""

from __future__ import annotations

from ipycontainer.commands.tables import Table
from ipycontainer.commands.templates import Template
from ipycontainer.control_characters import on_one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ipycontainer.commands.console import Console
    from ipycontainer.errors import TemplateError


class Report:
    """`json`, `table TEMPLATE` or `TEMPLATE`.

    listed: rows of a list; what shows one document after the other has no table in docker, and leaves `\\t` as it is.
    raw: the template that the word `raw` stands for; "" where docker has none.
    """

    def __init__(self, form: str, listed: bool = True, raw: str = "") -> None:
        # docker reads no further than these five letters: `table{{.Names}}` is one too.
        self.is_table = listed and form.startswith("table")
        if self.is_table:
            form = form.removeprefix("table").strip()
        elif listed and form != form.strip(" "):
            form = form.strip(" ")  # docker does it after it has looked for its own words
        elif form == "json":
            form = "{{json .}}"
        elif form == "raw" and raw:
            form = raw
        self.form = form
        if listed:
            # A shell hands over `\t` and `\n` as two characters each; a template means tab and newline.
            form = form.replace("\\t", "\t").replace("\\n", "\n")
        self._template = Template(form)

    def text(self, value: Mapping[str, Any]) -> str:
        """One document through the template."""
        return self._template.fill(value)

    def show(self, console: Console, rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str]) -> None:
        """Rows, each through the template; a table has `headings` (a word for each field) over them."""
        if not self.is_table:
            console.lines([self.text(dict(sorted(row.items()))) for row in rows])  # as `json` writes them
            return
        names = dict(headings, Label=lambda name: name)
        lines = [self.text(row).split("\t") for row in (names, *map(_in_its_cells, rows))]
        columns = max(map(len, lines))
        cells = [(*line, *[""] * (columns - len(line))) for line in lines]
        console.table(Table(cells[0], tuple(cells[1:])))


def refuse(console: Console, error: TemplateError) -> int:
    """Says what cannot be written as asked for; gives the exit code that docker's documents and events have then.

    Of lists it is 1, as of all other mistakes.
    """
    console.complain(f"Error: {error}")
    return 64


def _in_its_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose values stay where they stand: an image's or a label's own words end no line and begin no column."""
    return {name: _on_one_line(value) for name, value in row.items()}


def _on_one_line(value: Any) -> Any:
    if callable(value):
        return lambda *arguments: _on_one_line(value(*arguments))
    return on_one_line(value) if isinstance(value, str) else value
