"""Signals that arrive, as bytes in a pipe that a loop polls.

An exception in the middle of a read could lose what was just read, so a signal is only noted.  It is the interpreter's
handler in C that writes the byte (signal.set_wakeup_fd), not one in Python: that one waits until the main thread runs
Python again, and a signal that comes when it is on its way into poll(2), or that the kernel gave to another thread,
would be noted when poll() ends for another reason, which may be never.
"""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Iterable, Sequence
    from typing import Any, Self
else:
    import _signal  # `signal` itself costs 5.6 ms, for its enums

_NOBODY = -1
LONGEST = 86400.0
"""Seconds: poll(2) takes milliseconds in an int, 24 days at most; whoever waits longer looks again."""


class SignalPipe:
    """While entered, the given signals are collected; outside the main thread nothing is changed.

    reader: what is to be polled.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = frozenset(numbers)
        self._before: dict[int, Any] = {}
        self._woken_before = _NOBODY
        self._is_woken = False
        self.reader = self._writer = -1

    def __enter__(self) -> Self:
        self.reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            # A full pipe is no warning's worth: thousands are waiting already, one more tells nothing.
            self._woken_before = _signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
            self._is_woken = True
            for number in self._numbers:
                self._before[number] = _signal.signal(number, _note)
        except ValueError:
            # Only the main thread may handle signals; in another one they are not ours to take.
            pass
        except BaseException:  # a handler's own, of a signal that came while it was not yet ours
            self.close()
            raise
        return self

    def __exit__(self, *_details: object) -> None:
        self._put_back()
        try:
            self.arrived()  # what others handle, and came until just now
        finally:
            self.close()

    def close(self) -> None:
        """As it was before; a forked child calls it too, whose parent goes on collecting."""
        self._put_back()
        os.close(self.reader)
        os.close(self._writer)

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            # A handler that C code installed reads as None and cannot be put back from here.
            _signal.signal(number, _signal.SIG_DFL if handler is None else handler)
        self._before.clear()
        if self._is_woken:
            _signal.set_wakeup_fd(self._woken_before, warn_on_full_buffer=False)
            self._is_woken = False

    def arrived(self) -> bytes:
        """The numbers of the signals that came since the last call."""
        try:
            numbers = os.read(self.reader, 4096)
        except BlockingIOError:
            return b""
        ours = bytes(number for number in numbers if number in self._numbers)
        if len(ours) < len(numbers):
            self._pass_on(bytes(number for number in numbers if number not in self._numbers))
        return ours

    def _pass_on(self, numbers: bytes) -> None:
        """Signals that others handle in Python; an event loop that waits for them has its own descriptor for it."""
        if self._woken_before == _NOBODY:
            return
        try:
            os.write(self._woken_before, numbers)
        except OSError:
            pass  # full, or closed while we were here: as the interpreter's own write would fail


def _note(_number: int, _frame: object) -> None:
    """Only so that the interpreter's handler in C is installed, and writes its byte."""


def await_any(descriptors: Sequence[int], limit: float | None) -> None:
    """Until one of these is readable, a signal has come, or `limit` seconds are over, or a day.

    What the signal's handler in Python raises is raised here, and at once: a poll() alone would go on if the signal
    came when it was on its way into the kernel.
    """
    with SignalPipe(()) as signals:
        poll = select.poll()
        for descriptor in (signals.reader, *descriptors):
            poll.register(descriptor, select.POLLIN)
        poll.poll(None if limit is None else min(limit, LONGEST) * 1000)
