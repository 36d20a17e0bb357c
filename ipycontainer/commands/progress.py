"""How layers on their way are shown: lines where nobody watches, bars in a terminal.

A cell's bars are `jupyter/progress.py`.
"""

from __future__ import annotations

from time import monotonic

from ipycontainer.commands.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MOVING = ("Downloading", "Pushing", "Waiting", "Preparing")
_WIDTH = 30
_EVERY = 0.05


class Lines:
    """A line whenever a layer's state changes, as docker writes them into a pipe."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def __call__(self, layer: str, state: str, done: int, total: int) -> None:
        """Tell of a layer."""
        if state not in _MOVING:
            self._write(f"{layer}: {state}\n".encode())

    def close(self) -> None:
        """All is told."""


class Bars:
    """A line for each layer in a terminal, written anew in its place; those for which there is no room are counted."""

    def __init__(self, write: Callable[[bytes], object], rows: int, columns: int) -> None:
        self._write = write
        self._most = max(1, rows - 3)
        self._columns = max(20, columns - 1)
        self._lines: dict[str, str] = {}
        self._places: list[str] = []
        self._shown: dict[str, float] = {}

    def __call__(self, layer: str, state: str, done: int, total: int) -> None:
        """Tell of a layer."""
        moving = state in _MOVING
        now = monotonic()
        if moving and now - self._shown.get(layer, 0.0) < _EVERY:
            return
        self._shown[layer] = now
        text = f"{layer}: {state}{bar(done, total) if moving and total else ''}"[: self._columns]
        if layer not in self._places:
            if len(self._places) >= self._most:
                return
            self._places.append(layer)
            self._write(f"{text}\n".encode())
            return
        if self._lines.get(layer) == text:
            return
        self._lines[layer] = text
        up = len(self._places) - self._places.index(layer)
        self._write(f"\x1b[{up}A\r\x1b[2K{text}\x1b[{up}B\r".encode())

    def close(self) -> None:
        """All is told."""


def bar(done: int, total: int) -> str:
    """` [=====>     ]  12.3MB/49MB`."""
    share = min(1.0, done / total) if total else 1.0
    filled = int(share * _WIDTH)
    drawn = "=" * max(0, filled - 1) + (">" if 0 < filled < _WIDTH else "=" * (filled > 0))
    return f" [{drawn.ljust(_WIDTH)}] {human_size(done):>7}/{human_size(total)}"
