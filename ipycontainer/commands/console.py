"""Where a verb speaks: bytes out and err, lines, tables, documents, and what can be read.

The command line and the magics each have one.  A verb says *what* it shows (a
table, ids, a document); the console decides how that looks, and a magic can
give the same thing back as a value.
"""

from __future__ import annotations

from ipycontainer.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol, Self

    from ipycontainer.commands.tables import Table
    from ipycontainer.engine.explanation import Explanation

    class Progress(Protocol):
        """Told of each layer: its short digest, what is done with it, bytes so far, bytes in all."""

        def __call__(self, layer: str, state: str, done: int, total: int) -> None: ...
        def close(self) -> None:
            """All is told."""
            ...

    class Terminal(Protocol):
        """A real terminal; while it is entered every key goes to the container, if stdin does."""

        def __enter__(self) -> Self: ...
        def __exit__(self, *_details: object) -> None: ...
        def size(self) -> tuple[int, int]:
            """Rows and columns now."""
            ...


class Console:
    """A console that writes into two functions; the command line and the magics refine it.

    program: what a person typed to get here, for sentences that say what to type next.
    """

    program = "ipycontainer"

    def __init__(self, out: Callable[[bytes], object], err: Callable[[bytes], object]) -> None:
        self.out = out
        self.err = err

    def line(self, text: str) -> None:
        """One line on stdout."""
        self.out(text.encode("utf-8", "surrogateescape") + b"\n")

    def complain(self, text: str) -> None:
        """One line on stderr, whatever an image or a container has put into it."""
        if not text.isprintable():
            from ipycontainer.control_characters import on_one_line

            text = on_one_line(text)
        self.err(text.encode("utf-8", "surrogateescape") + b"\n")

    def lines(self, items: Sequence[str]) -> None:
        """Ids or names, one on each line."""
        if items:
            self.line("\n".join(items))

    def paths(self, items: Sequence[str]) -> None:
        """Names of a container's files, which may hold anything: raw for a program, for a person on one line."""
        self.lines(items)

    def table(self, table: Table) -> None:
        """Rows under headings."""
        self.line(table.text())

    def screen(self, table: Table) -> None:
        """A table that takes the place of the one before."""
        self.table(table)

    def document(self, value: Any) -> None:
        """A JSON document, for a person to read."""
        from ipycontainer.commands.template_functions import in_order
        from ipycontainer.json_text import for_people

        self.line(for_people(in_order(value), indent=4))

    def explanation(self, value: Explanation) -> None:
        """The steps of a plan."""
        self.line(value.text())

    def stdin(self) -> int | None:
        """The descriptor that `-i` reads from; None where there is nothing to read."""
        return None

    def takes_bytes(self) -> bool:
        """Whether an archive may be written to stdout: it goes to a file or a program, not before a person's eyes."""
        return False

    def progress(self, aside: bool = False) -> Progress:
        """Where layers on their way are shown; on stderr if `aside`."""
        from ipycontainer.commands.progress import Lines

        return Lines(self.err if aside else self.out)

    def ask(self, question: str, option: str, secret: bool = False) -> str:
        """What a person answers, unseen if it is a secret.  Raises Refused, which names the option that answers too."""
        raise Refused(f"there is nobody to ask ({question.strip(' :')}): give {option}, or answer in a terminal")

    def confirm(self, question: str) -> str:
        """What a person answers to yes or no.  Raises Refused where nobody can be asked."""
        return self.ask(question, "--force")

    def terminal(self, stdin: bool) -> Terminal | None:
        """The terminal for `-t`, read from for `-i`; None where `-t` works without one.

        Raises Refused where it does not.
        """
        raise no_terminal()

    def has_input(self) -> bool:
        """Whether there is something to read, now or later."""
        return True

    def screen_alone(self) -> Terminal | None:
        """The terminal that only shows, and whose keys stay ours; None where there is none."""
        return None

    def forwards(self) -> tuple[int, ...]:
        """Signals that this console's process passes on to the container it is attached to."""
        return ()

    def due(self) -> float | None:
        """Seconds until `catch_up` has something to do, while a program is followed; None for never."""
        return None

    def catch_up(self) -> None:
        """Time has passed: what was held back to be shown together is shown now."""

    def interrupt_sent(self) -> None:
        """An interrupt went to the program that is followed."""


def no_terminal() -> Refused:
    """docker's refusal of `-it` in a pipe, with its exit code."""
    error = Refused("the input is not a terminal, which -it needs: leave -t out")
    error.exit_code = 1
    return error


class Redirected(Console):
    """A console whose stdout goes into a file (`%container logs web > web.log`)."""

    def __init__(self, console: Console, out: Callable[[bytes], object]) -> None:
        super().__init__(out, console.err)
        self.program = console.program

    def takes_bytes(self) -> bool:
        """It is a file."""
        return True
