"""Signals that arrive while we are attached to a container, as bytes in a pipe.

An exception in the middle of a read could lose what was just read, so the
handler only notes the signal; the loop that polls sees it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Iterable
    from typing import Any, Self
else:
    import _signal  # `signal` itself costs 5.6 ms, for its enums


class Interrupts:
    """While entered, the given signals are collected; outside the main thread nothing is changed."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = tuple(numbers)
        self._before: dict[int, Any] = {}
        self.reader = self._writer = -1

    def __enter__(self) -> Self:
        self.reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            for number in self._numbers:
                self._before[number] = _signal.signal(number, self._note)
        except ValueError:
            # Only the main thread may handle signals; in another one they are not ours to take.
            pass
        return self

    def __exit__(self, *_details: object) -> None:
        for number, handler in self._before.items():
            # A handler that C code installed reads as None and cannot be put back from here.
            _signal.signal(number, _signal.SIG_DFL if handler is None else handler)
        self._before.clear()
        os.close(self.reader)
        os.close(self._writer)

    def _note(self, number: int, _frame: object) -> None:
        try:
            os.write(self._writer, bytes((number,)))
        except BlockingIOError:
            pass  # thousands are waiting already; one more tells nothing

    def arrived(self) -> bytes:
        """The numbers of the signals that came since the last call."""
        try:
            return os.read(self.reader, 4096)
        except BlockingIOError:
            return b""
