"""One call of a magic: from its words to output, a value, variables, or one sentence."""

from __future__ import annotations

from ipycontainer.errors import Error, NoSuchVerb, OptionError
from ipycontainer.jupyter.caller import fate_of_value
from ipycontainer.jupyter.cell_errors import command_failed, complaints, for_cell, interrupted
from ipycontainer.jupyter.cell_options import variable
from ipycontainer.jupyter.console import Capture, CellConsole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import Any

    from ipycontainer.commands.options import Parsed

    Run = Callable[[Callable[[Parsed, str | None], CellConsole]], int]


class Performance:
    """Runs one call; afterwards variables are set and failures have become what a cell shows."""

    def __init__(self, what: str, names: MutableMapping[str, Any]) -> None:
        self._what = what
        self._names = names
        self._fate = fate_of_value()
        self._console: CellConsole | None = None
        self._captures: dict[str, Capture] = {}
        self._forgiving = False

    def of(self, run: Run) -> Any:
        """The magic's value."""
        try:
            return self._attempt(run)
        finally:
            self._end()  # also when something went wrong that nobody expected

    def _attempt(self, run: Run) -> Any:
        try:
            code = run(self._open_console)
        except Error as error:
            console = self._end()
            # A slip of the fingers is none of the failures that somebody foresaw.
            if self._forgiving and not isinstance(error, (OptionError, NoSuchVerb)):
                self._say(str(error))
                return None
            raise for_cell(error, console.advice, console.mistaken) from None
        except KeyboardInterrupt:
            if self._end().only_looks:
                return None
            raise interrupted(f"{self._what}: interrupted; containers that were running go on") from None
        console = self._end()
        if code and not self._forgiving:
            raise self._failure(console, code) from None
        for said in console.complaints:
            self._say(said)
        return console.value()

    def _open_console(self, parsed: Parsed, stdin: str | None) -> CellConsole:
        for option in ("out", "err"):
            if name := variable(parsed.text(option), option):
                self._captures[name] = Capture()
        self._forgiving = parsed.flag("no-raise") or parsed.flag("no-raise-error")
        out, err = (self._captures.get(parsed.text(option)) for option in ("out", "err"))
        self._console = CellConsole(self._fate, stdin, out, err)
        return self._console

    def _end(self) -> CellConsole:
        if self._console is None:
            # The line was refused before anything could speak.
            self._console = CellConsole()
        self._console.end()
        for name, capture in self._captures.items():
            self._names[name] = capture.text
        return self._console

    def _failure(self, console: CellConsole, code: int) -> BaseException:
        if console.interrupted:
            return interrupted(f"{self._what}: interrupted, it ended with exit code {code}")
        if console.complaints:
            return complaints([*console.complaints, *filter(None, (console.advice,))], code)
        return command_failed(self._what, code, console.advice)

    def _say(self, text: str) -> None:
        import sys

        from ipycontainer.control_characters import on_one_line

        sys.stderr.write(on_one_line(text) + "\n")
