"""The console of a cell: streams while a program runs, and values that a cell can keep.

%container ps           a table is shown, wherever in the cell it stands
ids = %container ps -q  the same as a value: nothing is shown
%container --out x ps   what the command line would print, as text in x: neither shown nor a value
"""

from __future__ import annotations

import os
import sys

from ipycontainer.commands.console import Console
from ipycontainer.errors import Refused
from ipycontainer.jupyter.caller import DROPPED, USED
from ipycontainer.jupyter.flood import Flood
from ipycontainer.jupyter.stream import CellStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.commands.console import Progress, Terminal
    from ipycontainer.commands.tables import Table
    from ipycontainer.engine.explanation import Explanation

KEPT = 64 * 1024 * 1024
"""Bytes that a variable may take of one output."""


class Capture:
    """An output that goes into a variable instead of the cell."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.stream = CellStream(self._parts.append, _nothing, Flood(KEPT, 0, KEPT, KEPT // 64, line=0))

    @property
    def text(self) -> str:
        """All that was kept."""
        return "".join(self._parts)


class CellConsole(Console):
    """Where a verb speaks when it was called from a cell.

    fate: what becomes of the magic's value (caller.py); stdin: the cell's text
    for `-i`; out, err: captures for `--out` and `--err`.
    """

    program = "%container"

    def __init__(
        self, fate: str = DROPPED, stdin: str | None = None, out: Capture | None = None, err: Capture | None = None
    ) -> None:
        self._fate = fate
        self._text = stdin
        self._stdin: int | None = None
        self._value: Any = None
        self._single: str | None = None
        self.complaints: list[str] = []
        self.interrupted = False
        self.only_looks = False  # an interrupt is the usual end of this verb
        self.advice = ""  # goes with the sentence of a failure
        self.mistaken = ""  # goes in its place where the line itself is wrong
        self._put_aside = out is not None  # into a variable, which takes text as a program's stdout gives it
        self._captured = Capture() if fate == USED and out is None else None
        self.streams = {
            "stdout": (out or self._captured or _Shown(sys.stdout)).stream,
            "stderr": (err or _Shown(sys.stderr)).stream,
        }
        super().__init__(self.streams["stdout"].feed, self.streams["stderr"].feed)

    def line(self, text: str) -> None:
        """One line on stdout; a value that is just one line is a string."""
        self._single = text if self._single is None else ""
        super().line(text)

    def complain(self, text: str) -> None:
        """A warning is shown at once; an error waits, for it may become the sentence that fails the cell."""
        if text.startswith("Error: "):
            self.complaints.append(text.removeprefix("Error: "))
        else:
            super().complain(text)

    def lines(self, items: Sequence[str]) -> None:
        """Ids or names: printed, or a list of them."""
        if self._captured is None:
            for item in items:
                self.line(item)
        else:
            from ipycontainer.jupyter.display import Lines

            self._value = Lines(items)

    def paths(self, items: Sequence[str]) -> None:
        """Shown with control characters written out; a value has them as they are."""
        if self._captured is None and not self._put_aside:
            from ipycontainer.control_characters import on_one_line

            items = [on_one_line(item) for item in items]
        self.lines(items)

    def table(self, table: Table) -> None:
        """A table that stays a table."""
        if self._put_aside:
            return super().table(table)
        from ipycontainer.jupyter.display import Table as Shown

        self._give(Shown(table.headings, table.rows, table.text()))

    def screen(self, table: Table) -> None:
        """Drawn where the one before was."""
        if self._put_aside:
            return super().screen(table)
        from IPython.display import clear_output, display

        from ipycontainer.jupyter.display import Table as Shown

        clear_output(wait=True)
        display(Shown(table.headings, table.rows, table.text()))

    def document(self, value: Any) -> None:
        """Data: a list or a dict that prints as JSON."""
        if self._put_aside:
            return super().document(value)
        from ipycontainer.jupyter.display import document

        self._give(document(value))

    def explanation(self, value: Explanation) -> None:
        """A plan that stays one; rich_forms.py says how it looks."""
        if self._put_aside:
            return super().explanation(value)
        self._give(value)

    def _give(self, value: Any) -> None:
        if self._fate == DROPPED:
            from IPython.display import display

            display(value)
        else:
            self._value = value

    def stdin(self) -> int | None:
        """The cell's text as a file; without a cell an empty one, for nobody could type."""
        if self._stdin is None:
            self._stdin = os.memfd_create("cell", os.MFD_CLOEXEC)
            rest = memoryview((self._text or "").encode("utf-8", "surrogateescape"))
            while rest:
                rest = rest[os.write(self._stdin, rest) :]
            os.lseek(self._stdin, 0, os.SEEK_SET)
        return self._stdin

    @property
    def was_read(self) -> bool:
        """Whether a program was given the cell's text."""
        return self._stdin is not None

    def has_input(self) -> bool:
        """If the cell has a text."""
        return self._text is not None

    def progress(self, aside: bool = False) -> Progress:
        """Bars that are drawn in their place; lines where the output goes into a variable."""
        if self._put_aside or self._captured is not None:
            return super().progress(aside)
        if is_notebook():
            from ipycontainer.jupyter.progress import CellBars

            return CellBars()
        # A terminal shows every display below the one before.
        size = _terminal_size()
        if size is None:
            return super().progress(aside)
        from ipycontainer.commands.progress import Bars

        return Bars(self.out, size.lines or 24, size.columns or 80)

    def ask(self, question: str, option: str, secret: bool = False) -> str:
        """The person before the cell: a field that shows no letters for a secret.  A runner has nobody to ask."""
        from getpass import getpass

        from IPython.core.error import StdinNotImplementedError

        try:
            return getpass(question) if secret else input(question)
        except (StdinNotImplementedError, EOFError):
            return super().ask(question, option, secret)

    def terminal(self, stdin: bool) -> Terminal | None:
        """There is none in a cell."""
        if not is_notebook():
            raise Refused(
                "a magic has no terminal for -t: leave -t out, or let IPython's own ! give it one: "
                "!ipycontainer run -it …, or !ipycontainer exec -it NAME sh"
            )
        raise Refused(
            "a cell has no terminal for -t: leave -t out, or open a terminal (File > New > Terminal) "
            "and run there: ipycontainer run -it …, or ipycontainer exec -it NAME sh"
        )

    def due(self) -> float | None:
        """When the next flush is due."""
        waits = [stream.wait for stream in self.streams.values()]
        return min((wait for wait in waits if wait is not None), default=None)

    def catch_up(self) -> None:
        """Flushes what is due."""
        for stream in self.streams.values():
            stream.tick()

    def interrupt_sent(self) -> None:
        """The button was pressed."""
        self.interrupted = True

    def end(self) -> None:
        """The verb is done: what was held back is shown."""
        for stream in self.streams.values():
            stream.end()
        if self._stdin is not None:
            os.close(self._stdin)
            self._stdin = None

    def value(self) -> Any:
        """What the magic gives back: a table, data, lines, one line, or None."""
        if self._value is not None or self._captured is None:
            return self._value
        text = self._captured.text
        if self._single and text == self._single + "\n":
            return self._single
        from ipycontainer.jupyter.display import Lines

        return Lines(text.splitlines())


class _Shown:
    def __init__(self, file: Any) -> None:
        self.stream = CellStream(file.write, file.flush)


def is_notebook() -> bool:
    """Whether a kernel runs this, rather than IPython in a terminal."""
    from IPython.core.getipython import get_ipython

    return hasattr(get_ipython(), "kernel")


def _terminal_size() -> os.terminal_size | None:
    try:
        return os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return None  # a file, or something of Python's own


def _nothing() -> None:
    """A variable needs no flush."""
