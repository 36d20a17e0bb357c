"""Staying with a program inside: its output shown, our input passed on, signals forwarded.

An interrupt goes to the program as SIGINT; if it is still there after two
seconds, or at a second press, it is killed.  Whoever has only joined it leaves at a
second press, and it goes on.
"""

from __future__ import annotations

import os
import select
import time

from ipycontainer.errors import Error, LauncherError
from ipycontainer.linux.signal_pipe import SignalPipe
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.commands.console import Console, Terminal
    from ipycontainer.commands.options import Parsed
    from ipycontainer.runtime.attachment import Attachment
else:
    import _signal  # `signal` itself costs 5.6 ms, for its enums

PATIENCE = 2.0
_FOR_EVER = float("inf")
_INTERRUPTED = 130
BOTH = ("stdout", "stderr")


class Manner(Record):
    """How we stay.

    keys: of the terminal, that leave it running; proxy: signals are passed on; streams: which of its outputs are
    shown; leaves: a second interrupt leaves it instead of killing it; says_so: having left is told, and is no success.
    """

    keys: bytes = b""
    proxy: bool = True
    streams: tuple[str, ...] = BOTH
    leaves: bool = False
    says_so: bool = False

    @classmethod
    def of(cls, parsed: Parsed, **more: Any) -> Manner:
        """What --detach-keys and --sig-proxy ask for."""
        keys = b""
        if parsed.given("detach-keys"):
            from ipycontainer.commands.detach_keys import parse

            keys = parse(parsed.text("detach-keys"))
        return cls(keys, bool(parsed.values.get("sig-proxy", True)), **more)


USUAL = Manner()
_CHUNK = 32768  # well under what the socket takes at once when poll calls it writable


def follow(
    attachment: Attachment,
    console: Console,
    *,
    stdin: bool = False,
    terminal: Terminal | None = None,
    kill: Callable[[], object] | None = None,
    manner: Manner = USUAL,
) -> int:
    """Shows what the program says until it ends, or is left; returns its exit code.

    kill: a way to kill it that does not go through the attachment, where there is one.
    """
    try:
        follower = _Follower(attachment, console, console.stdin() if stdin else None, terminal, kill, manner)
        if terminal is None:
            follower.follow()
        else:
            with terminal:
                follower.follow()
        return follower.code()
    except KeyboardInterrupt:
        # It came in the instant before the signal was ours to pass on: a program that nobody stays with ends.
        if manner.proxy and not manner.leaves:
            _kill_now(attachment, kill)
        raise
    finally:
        attachment.close()


def feed(attachment: Attachment, console: Console | None) -> None:
    """Gives the program all of our input, shows nothing, and leaves it (`run -a stdin`)."""
    source = console.stdin() if console is not None else None
    with attachment:
        while source is not None and (data := os.read(source, _CHUNK)):
            attachment.write(data)
        attachment.close_stdin()


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
        manner: Manner,
    ) -> None:
        self.manner = manner
        self.keys = None
        if terminal is not None and stdin is not None:
            from ipycontainer.commands.detach_keys import DetachKeys, parse

            self.keys = DetachKeys(manner.keys or parse(""))
        self.has_left = False
        self.lost_bytes = 0
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

    def follow(self) -> None:
        signals = {_signal.SIGINT, *self.console.forwards()} if self.manner.proxy else set()
        if self.terminal is not None:
            signals.add(_signal.SIGWINCH)
        with SignalPipe(signals) as interrupts:
            self.poll.register(interrupts.reader, select.POLLIN)
            if self.stdin is not None:
                self.poll.register(self.stdin, select.POLLIN)
            self._until_the_end(interrupts)

    def code(self) -> int:
        """What to end with.  Raises what was in the way of showing all."""
        if self.lost is not None:
            raise self.lost
        if self.has_left:
            return self._said_goodbye()
        code = self.attachment.exit_code
        if code is None:
            raise Error("how it ended is not known; inspect says what is")
        return code

    def _said_goodbye(self) -> int:
        if self.kill_at is not None:
            self.console.complain("left at a second interrupt; the container goes on")
            return _INTERRUPTED
        if not self.manner.says_so:
            return 0
        from ipycontainer.commands.detach_keys import SAID

        self.console.complain(SAID)
        return 1

    def _until_the_end(self, interrupts: SignalPipe) -> None:
        while not self.has_left:
            for descriptor, events in self._ready():
                if descriptor == interrupts.reader:
                    for number in interrupts.arrived():
                        self._signal(number)
                elif descriptor == self.stdin:
                    self._pass_input()
                elif descriptor == self.ours and events & ~select.POLLOUT:
                    chunk = self.attachment.read()
                    self._tell_lost()
                    if chunk is None:
                        return
                    self._show(*chunk)
                elif descriptor == self.ours:
                    self._listen_again()

    def _ready(self) -> list[tuple[int, int]]:
        waits = [self.console.due()]
        if self.kill_at is not None:
            waits.append(max(0.0, self.kill_at - time.monotonic()))
        known = [wait for wait in waits if wait is not None and wait < _FOR_EVER]
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
            self.has_left = self.manner.leaves
            self.kill_at = _FOR_EVER if self.has_left else time.monotonic()
            return
        self.kill_at = _FOR_EVER if self.manner.leaves else time.monotonic() + PATIENCE
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

    def _tell_lost(self) -> None:
        """What the monitor did not wait for us to take."""
        if self.attachment.lost > self.lost_bytes:
            count, self.lost_bytes = self.attachment.lost - self.lost_bytes, self.attachment.lost
            self.console.complain(f"[{count} bytes are missing here: they came faster than they were read; see logs]")

    def _show(self, stream: str, data: bytes) -> None:
        if self.lost is not None or stream not in self.manner.streams:
            return
        try:
            (self.console.err if stream == "stderr" else self.console.out)(data)
        except (BrokenPipeError, Error) as error:
            # `… | head` has read enough: the program ends at once, as one in a pipe of its own would.
            self.lost = error
            if self.manner.leaves:
                self.has_left = True
            else:
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
        if data and self.keys is not None:
            data, self.has_left = self.keys.feed(data)
            if not data:
                return
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
