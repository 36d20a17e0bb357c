"""Layers on their way, in a cell: one table of bars that is drawn anew in its place."""

from __future__ import annotations

from html import escape
from time import monotonic

from IPython.display import display

from ipycontainer.commands.progress import bar
from ipycontainer.commands.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_EVERY = 0.1
_MOVING = ("Downloading", "Pushing")


class CellBars:
    """A row for each layer."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, int, int]] = {}
        self._handle: Any = None
        self._when = 0.0

    def __call__(self, layer: str, state: str, done: int, total: int) -> None:
        """Tell of a layer."""
        known = self._rows.get(layer)
        self._rows[layer] = (state, done, total)
        if known is None or known[0] != state or monotonic() - self._when >= _EVERY:
            self._draw()

    def close(self) -> None:
        """All is told."""
        if self._rows:
            self._draw()

    def _draw(self) -> None:
        self._when = monotonic()
        bundle = {"text/plain": self.text(), "text/html": self.html()}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def text(self) -> str:
        """The rows as docker writes them."""
        return "\n".join(
            f"{layer}: {state}{bar(done, total) if state in _MOVING else ''}"
            for layer, (state, done, total) in self._rows.items()
        )

    def html(self) -> str:
        """The rows as a table with bars."""
        rows = "".join(
            f'<tr><td style="text-align:left"><code>{escape(layer)}</code></td>'
            f'<td style="text-align:left">{escape(state)}</td>'
            f'<td><progress aria-label="{escape(layer)}" max="{max(total, 1)}" value="{done}"></progress></td>'
            f'<td style="text-align:right">{human_size(total)}</td></tr>'
            for layer, (state, done, total) in self._rows.items()
        )
        return f"<table>{rows}</table>"
