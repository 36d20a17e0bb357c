"""The command line's console: bytes as they are, straight to descriptors 1 and 2."""

from __future__ import annotations

import os

from ipycontainer.commands.console import Console, no_terminal
from ipycontainer.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Sequence

    from ipycontainer.cli.raw_terminal import RawTerminal
    from ipycontainer.commands.console import Progress
    from ipycontainer.commands.tables import Table
    from ipycontainer.engine.explanation import Explanation
else:
    import _signal  # `signal` itself costs 5.6 ms, for its enums

STDIN, STDOUT, STDERR = 0, 1, 2
_LONGEST_ANSWER = 4096


class TerminalConsole(Console):
    """Unbuffered, so that nothing waits when the process goes."""

    def __init__(self) -> None:
        super().__init__(write_out, write_err)

    def explanation(self, value: Explanation) -> None:
        """As wide as the terminal; in a pipe as wide as a page."""
        self.line(value.text(os.get_terminal_size(STDOUT).columns) if os.isatty(STDOUT) else value.text())

    def paths(self, items: Sequence[str]) -> None:
        """On a terminal with what it would obey written out."""
        if os.isatty(STDOUT):
            from ipycontainer.control_characters import on_one_line

            items = [on_one_line(item) for item in items]
        self.lines(items)

    def stdin(self) -> int | None:
        """Descriptor 0."""
        return STDIN

    def takes_bytes(self) -> bool:
        """Unless stdout is a terminal."""
        return not os.isatty(STDOUT)

    def screen(self, table: Table) -> None:
        """On a cleared terminal; a file or a program gets one after another."""
        if os.isatty(STDOUT):
            self.out(b"\x1b[H\x1b[2J")
        self.table(table)

    def progress(self, aside: bool = False) -> Progress:
        """Bars, if it is a terminal."""
        descriptor = STDERR if aside else STDOUT
        if not os.isatty(descriptor):
            return super().progress(aside)
        from ipycontainer.commands.progress import Bars

        size = os.get_terminal_size(descriptor)
        return Bars(self.err if aside else self.out, size.lines or 24, size.columns or 80)

    def ask(self, question: str, option: str, secret: bool = False) -> str:
        """The person at the terminal, without an echo for a secret."""
        if not os.isatty(STDIN):
            return super().ask(question, option, secret)
        from getpass import getpass

        from ipycontainer.cli.interrupts import heed

        heed()  # getpass has turned the echo off until it is answered or interrupted
        try:
            return getpass(question) if secret else input(question)
        except EOFError:
            self.line("")  # ctrl-d
            return super().ask(question, option, secret)

    def confirm(self, question: str) -> str:
        """The person at the terminal, or whoever speaks for him: `echo y | …`."""
        line = b"" if os.isatty(STDIN) else _first_line(STDIN)
        if not line:
            return self.ask(question, "--force")
        self.out(question.encode())
        return line.decode(errors="replace")

    def terminal(self, stdin: bool) -> RawTerminal | None:
        """The terminal in front of the person; None in a pipe, where `-t` is still the container's own."""
        if stdin and not os.isatty(STDIN):
            raise no_terminal()
        if not os.isatty(STDOUT):
            return None
        from ipycontainer.cli.raw_terminal import RawTerminal

        return RawTerminal(STDIN if stdin else None, STDOUT)

    def screen_alone(self) -> RawTerminal | None:
        """stdout, if it is one."""
        return self.terminal(False)

    def forwards(self) -> tuple[int, ...]:
        """What a person or a service manager may send to us means the container."""
        return (_signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGUSR1, _signal.SIGUSR2)


def write_out(data: bytes) -> None:
    """Writes to stdout; BrokenPipeError when its reader has gone, Error when it cannot be written."""
    try:
        _write(STDOUT, data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Error(f"standard output cannot be written: {error.strerror}") from None


def write_err(data: bytes) -> None:
    """Writes to stderr; where that is closed there is nobody left to tell."""
    try:
        _write(STDERR, data)
    except OSError:
        pass


def _first_line(descriptor: int) -> bytes:
    """Up to its newline and no further: what follows is not ours to take."""
    line = b""
    try:
        while not line.endswith(b"\n") and len(line) < _LONGEST_ANSWER and (byte := os.read(descriptor, 1)):
            line += byte
    except OSError:
        pass  # a descriptor that cannot be read answers nothing
    return line


def fill_standard_descriptors() -> None:
    """Opens whichever of 0, 1 and 2 is closed, so that no file of ours gets its number and our output."""
    for descriptor in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open("/dev/null", os.O_RDWR)  # takes the lowest free number, which is this one


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            # Somebody made the terminal or pipe that we share with them non-blocking.
            _wait_writable(descriptor)


def _wait_writable(descriptor: int) -> None:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()
