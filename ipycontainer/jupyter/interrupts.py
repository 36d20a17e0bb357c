"""Presses of the interrupt button while a program runs in a cell.

Python's own answer to SIGINT, a KeyboardInterrupt wherever the code just is,
could lose a chunk that was read and not yet shown.  Here a press makes a
descriptor readable, so that the loop that polls the program sees both.
"""

from __future__ import annotations

import os
import signal
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Self


class Presses:
    """While entered, SIGINT makes `fileno()` readable instead of raising.

    A cell that runs in a thread of its own gets no signals: then nothing is
    changed and no press is ever seen.
    """

    def __init__(self) -> None:
        self._ends: tuple[int, int] | None = None
        self._before: Any = None

    def __enter__(self) -> Self:
        self._ends = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._pressed)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        ends, self._ends = self._ends, None
        for end in ends or ():
            os.close(end)

    def fileno(self) -> int:
        """What to poll for reading."""
        assert self._ends is not None, "not entered"
        return self._ends[0]

    def take(self) -> int:
        """How often it was pressed since the last call."""
        try:
            return len(os.read(self.fileno(), 64))
        except BlockingIOError:
            return 0

    def _pressed(self, number: int, frame: FrameType | None) -> None:
        if self._ends is not None:
            try:
                os.write(self._ends[1], b"!")
            except BlockingIOError:
                pass  # sixty-four thousand presses wait already
