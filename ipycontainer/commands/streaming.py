"""Staying with a program inside: its output shown, our input passed on, signals forwarded.

An interrupt goes to the program as SIGINT; if it is still there after two
seconds, or at a second press, it is killed.
"""

from __future__ import annotations

import _signal
import os
import select
import time

from ipycontainer.commands.interrupts import Interrupts
from ipycontainer.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands.console import Console, Terminal
    from ipycontainer.engine.attachment import Attachment

PATIENCE = 2.0
_CHUNK = 65536


def follow(
    attachment: Attachment, console: Console, *, stdin: bool = False, terminal: Terminal | None = None
) -> int:
    """Shows what the program says until it ends; returns its exit code."""
    try:
        if terminal is None:
            return _Follower(attachment, console, console.stdin() if stdin else None, None).follow()
        with terminal:
            return _Follower(attachment, console, console.stdin() if stdin else None, terminal).follow()
    finally:
        attachment.close()


class _Follower:
    def __init__(
        self, attachment: Attachment, console: Console, stdin: int | None, terminal: Terminal | None
    ) -> None:
        self.attachment = attachment
        self.console = console
        self.stdin = stdin
        self.terminal = terminal
        self.kill_at: float | None = None
        self.silent = False
        self.poll = select.poll()
        self.poll.register(attachment.fileno(), select.POLLIN)

    def follow(self) -> int:
        signals = {_signal.SIGINT, *self.console.forwards()}
        if self.terminal is not None:
            signals.add(_signal.SIGWINCH)
        with Interrupts(signals) as interrupts:
            self.poll.register(interrupts.reader, select.POLLIN)
            if self.stdin is not None:
                self._listen()
            self._until_the_end(interrupts)
        code = self.attachment.exit_code
        if code is None:
            raise Error("how the container ended is not known: its monitor was killed")
        return code

    def _listen(self) -> None:
        try:
            self.poll.register(self.stdin, select.POLLIN)  # type: ignore[arg-type]
        except OSError:
            self._no_more_input()

    def _until_the_end(self, interrupts: Interrupts) -> None:
        chunks = iter(self.attachment)
        ours = self.attachment.fileno()
        while True:
            for descriptor, _events in self._ready():
                if descriptor == interrupts.reader:
                    for number in interrupts.arrived():
                        self._signal(number)
                elif descriptor == self.stdin:
                    self._pass_input()
                elif descriptor == ours:
                    chunk = next(chunks, None)
                    if chunk is None:
                        return
                    self._show(*chunk)

    def _ready(self) -> list[tuple[int, int]]:
        waits = [self.console.due()]
        if self.kill_at is not None:
            waits.append(max(0.0, self.kill_at - time.monotonic()))
        known = [wait for wait in waits if wait is not None]
        ready = self.poll.poll(min(known) * 1000 + 1 if known else None)
        if self.kill_at is not None and time.monotonic() >= self.kill_at:
            self.kill_at = None
            self.attachment.signal(_signal.SIGKILL)
        self.console.catch_up()
        return ready

    def _signal(self, number: int) -> None:
        if number == _signal.SIGWINCH and self.terminal is not None:
            self.attachment.resize(*self.terminal.size())
        elif number == _signal.SIGINT:
            self._interrupt()
        else:
            self.attachment.signal(number)

    def _interrupt(self) -> None:
        if self.kill_at is not None:
            self.kill_at = time.monotonic()
            return
        self.kill_at = time.monotonic() + PATIENCE
        self.console.interrupt_sent()
        self.attachment.signal(_signal.SIGINT)

    def _show(self, stream: str, data: bytes) -> None:
        if self.silent:
            return
        try:
            (self.console.err if stream == "stderr" else self.console.out)(data)
        except BrokenPipeError:
            # `… | head` has read enough: the program ends like one in a pipe of its own would.
            self.silent = True
            self._interrupt()

    def _pass_input(self) -> None:
        assert self.stdin is not None
        try:
            data = os.read(self.stdin, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a terminal that went away reads as the end
        if not data:
            self._no_more_input()
            return
        try:
            self.attachment.write(data)
        except BrokenPipeError:
            self._no_more_input()

    def _no_more_input(self) -> None:
        if self.stdin is not None:
            try:
                self.poll.unregister(self.stdin)
            except (KeyError, OSError):
                pass
            self.stdin = None
        self.attachment.close_stdin()
