"""Staying with a program inside: its output shown, our input passed on, signals forwarded.

An interrupt goes to the program as SIGINT; if it is still there after two
seconds, or at a second press, it is killed.
"""

from __future__ import annotations

import os
import select
import time

from ipycontainer.commands.interrupts import Interrupts
from ipycontainer.errors import Error, LauncherError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable

    from ipycontainer.commands.console import Console, Terminal
    from ipycontainer.runtime.attachment import Attachment
else:
    import _signal  # `signal` itself costs 5.6 ms, for its enums

PATIENCE = 2.0
_CHUNK = 32768  # well under what the socket takes at once when poll calls it writable


def follow(
    attachment: Attachment,
    console: Console,
    *,
    stdin: bool = False,
    terminal: Terminal | None = None,
    kill: Callable[[], object] | None = None,
) -> int:
    """Shows what the program says until it ends; returns its exit code.

    kill: a way to kill it that does not go through the attachment, where there is one.
    """
    try:
        follower = _Follower(attachment, console, console.stdin() if stdin else None, terminal, kill)
        if terminal is None:
            return follower.follow()
        with terminal:
            return follower.follow()
    except KeyboardInterrupt:
        # It came in the instant before the signal was ours to pass on: a program that nobody stays with ends.
        _kill_now(attachment, kill)
        raise
    finally:
        attachment.close()


def _kill_now(attachment: Attachment, kill: Callable[[], object] | None) -> None:
    try:
        (kill or (lambda: attachment.signal(_signal.SIGKILL)))()
    except Error:
        pass  # it has just ended by itself


class _Follower:
    def __init__(
        self,
        attachment: Attachment,
        console: Console,
        stdin: int | None,
        terminal: Terminal | None,
        kill: Callable[[], object] | None,
    ) -> None:
        self.attachment = attachment
        self.console = console
        self.stdin = stdin
        self.terminal = terminal
        self.kill = kill
        self.kill_at: float | None = None
        self.lost: Exception | None = None  # why nothing more can be shown
        self.ours = attachment.fileno()
        self.poll = select.poll()
        self.poll.register(self.ours, select.POLLIN)

    def follow(self) -> int:
        signals = {_signal.SIGINT, *self.console.forwards()}
        if self.terminal is not None:
            signals.add(_signal.SIGWINCH)
        with Interrupts(signals) as interrupts:
            self.poll.register(interrupts.reader, select.POLLIN)
            if self.stdin is not None:
                self.poll.register(self.stdin, select.POLLIN)
            self._until_the_end(interrupts)
        if self.lost is not None:
            raise self.lost
        code = self.attachment.exit_code
        if code is None:
            raise Error("how it ended is not known; inspect says what is")
        return code

    def _until_the_end(self, interrupts: Interrupts) -> None:
        while True:
            for descriptor, events in self._ready():
                if descriptor == interrupts.reader:
                    for number in interrupts.arrived():
                        self._signal(number)
                elif descriptor == self.stdin:
                    self._pass_input()
                elif descriptor == self.ours and events & ~select.POLLOUT:
                    chunk = self.attachment.read()
                    if chunk is None:
                        return
                    self._show(*chunk)
                elif descriptor == self.ours:
                    self._listen_again()

    def _ready(self) -> list[tuple[int, int]]:
        waits = [self.console.due()]
        if self.kill_at is not None:
            waits.append(max(0.0, self.kill_at - time.monotonic()))
        known = [wait for wait in waits if wait is not None]
        ready = self.poll.poll(min(known) * 1000 + 1 if known else None)
        if self.kill_at is not None and time.monotonic() >= self.kill_at:
            self.kill_at = None
            self._kill()
        self.console.catch_up()
        return ready

    def _signal(self, number: int) -> None:
        if number == _signal.SIGWINCH and self.terminal is not None:
            rows, columns = self.terminal.size()
            self._tell(lambda: self.attachment.resize(rows, columns))
        elif number == _signal.SIGINT:
            self._interrupt()
        else:
            self._tell(lambda: self.attachment.signal(number))

    def _interrupt(self) -> None:
        if self.kill_at is not None:
            self.kill_at = time.monotonic()
            return
        self.kill_at = time.monotonic() + PATIENCE
        self.console.interrupt_sent()
        self._tell(lambda: self.attachment.signal(_signal.SIGINT))

    def _kill(self) -> None:
        _kill_now(self.attachment, self.kill)

    def _tell(self, message: Callable[[], None]) -> None:
        """Something for the monitor; where it has gone, its last word is still to be read."""
        try:
            message()
        except LauncherError:
            self._stop_listening()

    def _show(self, stream: str, data: bytes) -> None:
        if self.lost is not None:
            return
        try:
            (self.console.err if stream == "stderr" else self.console.out)(data)
        except (BrokenPipeError, Error) as error:
            # `… | head` has read enough: the program ends at once, as one in a pipe of its own would.
            self.lost = error
            self._kill()

    def _pass_input(self) -> None:
        if not self._is_writable():
            # The program does not read: its output must still flow, so our input waits, not we.
            self._stop_listening()
            self.poll.modify(self.ours, select.POLLIN | select.POLLOUT)
            return
        assert self.stdin is not None
        try:
            data = os.read(self.stdin, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # stdin is closed, or a terminal that went away: the end
        if data:
            self._tell(lambda: self.attachment.write(data))
        else:
            self._stop_listening()
            self.stdin = None
            self._tell(self.attachment.close_stdin)

    def _is_writable(self) -> bool:
        poll = select.poll()
        poll.register(self.ours, select.POLLOUT)
        return bool(poll.poll(0))

    def _stop_listening(self) -> None:
        if self.stdin is not None:
            try:
                self.poll.unregister(self.stdin)
            except KeyError:
                pass  # it waits already

    def _listen_again(self) -> None:
        self.poll.modify(self.ours, select.POLLIN)
        if self.stdin is not None:
            self.poll.register(self.stdin, select.POLLIN)
