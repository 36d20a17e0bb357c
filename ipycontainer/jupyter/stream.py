"""One output of a program on its way into a cell: decoded, bounded, flushed in good time."""

from __future__ import annotations

import codecs
import time

from ipycontainer.jupyter.flood import Cut, Flood

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FLUSH_EVERY = 0.05
SPENT = "[… this is as much as a cell shows; the program goes on, and its last words follow when it has ended …]"


class CellStream:
    """Bytes in; text out through `write`, with `flush` at most every 50 ms.

    `\\r`, colours and whatever else a terminal would read pass as they are.
    Bytes that are no UTF-8 become U+FFFD, also when a character arrives in parts.
    """

    def __init__(self, write: Callable[[str], object], flush: Callable[[], object], flood: Flood | None = None) -> None:
        self._write = write
        self._flush = flush
        self._flood = flood or Flood()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._flushed_at = 0.0
        self._pending = False
        self._coloured = False
        self._at_line_start = True

    @property
    def wait(self) -> float | None:
        """Seconds after which `tick` has something to do; None for never."""
        if self._pending:
            return max(0.0, self._flushed_at + FLUSH_EVERY - time.monotonic())
        return 0.5 if self._flood.cutting else None

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the program."""
        now = time.monotonic()
        was_cutting = self._flood.cutting
        self._show(self._decoder.decode(self._flood.admit(chunk, now)))
        if was_cutting:
            self._show_cut(self._flood.calm(now))
        elif self._flood.spent:
            self._say(SPENT)
        self._flush_if_due(now)

    def tick(self) -> None:
        """Time has passed: what is due is flushed."""
        now = time.monotonic()
        self._show_cut(self._flood.calm(now))
        self._flush_if_due(now)

    def end(self) -> None:
        """The program has closed this output."""
        self._show_cut(self._flood.end())
        self._show(self._decoder.decode(b"", True))
        if self._pending:
            self._flush()
        self._pending = False

    def _show(self, text: str) -> None:
        if not text:
            return
        self._coloured = self._coloured or "\x1b[" in text
        self._at_line_start = text.endswith("\n")
        self._write(text)
        self._pending = True

    def _show_cut(self, cut: Cut | None) -> None:
        if cut is None:
            return
        if cut.size:
            self._decoder.reset()
            self._say(str(cut))
        self._show(self._decoder.decode(cut.tail))

    def _say(self, text: str) -> None:
        """A line of our own between the program's."""
        plain = "\x1b[0m" if self._coloured else ""
        newline = "" if self._at_line_start else "\n"
        self._show(f"{plain}{newline}{text}\n")

    def _flush_if_due(self, now: float) -> None:
        if self._pending and now - self._flushed_at >= FLUSH_EVERY:
            self._flush()
            self._flushed_at, self._pending = time.monotonic(), False
