"""`-q`, `--format` and the table: how a verb that lists things shows them."""

from __future__ import annotations

from ipycontainer.commands.tables import Table
from ipycontainer.commands.templates import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ipycontainer.commands.console import Console


def show_formatted(
    console: Console, form: str, rows: Iterable[Mapping[str, Any]], headings: Mapping[str, str]
) -> None:
    """Rows through a template; `table …` puts headings over them, `json` writes a document a line.

    headings: the word over each field, for `table`.
    """
    directive, _, rest = form.partition(" ")
    if directive != "table":
        template = Template(unescaped("{{json .}}" if form == "json" else form))
        console.lines([template.fill(row) for row in rows])
        return
    template = Template(unescaped(rest.strip()))
    names = dict(headings, Label=lambda name: name)
    lines = [template.fill(row).split("\t") for row in (names, *rows)]
    columns = max(map(len, lines))
    cells = [tuple([*line, *[""] * (columns - len(line))]) for line in lines]
    console.table(Table(cells[0], tuple(cells[1:])))


def unescaped(form: str) -> str:
    """A shell hands over `\\t` and `\\n` as two characters each; a template means tab and newline."""
    return form.replace("\\t", "\t").replace("\\n", "\n")
