"""A job in the store namespace that writes a stream which this process reads: the other way round than `feed`."""

from __future__ import annotations

import os
import select

from ipycontainer.errors import Error
from ipycontainer.images.feed import is_over, pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Self

    from ipycontainer.images.feed import Ask

_PIECE = 1024 * 1024


def drain(ask: Ask, job: str, request: dict[str, Any], folders: Sequence[int]) -> Iterator[bytes]:
    """What a Drain gives, begun when the first piece is asked for."""
    with Drain(ask, job, request, folders) as pieces:
        yield from pieces


class Drain:
    """What `job` writes, given the descriptors (*folders, pipe), in pieces; at the end its error, if any.

    It begins at once and works ahead, as far as the pipe is long.  Whoever stops listening early (`close`) ends the
    job: its pipe breaks.
    """

    def __init__(self, ask: Ask, job: str, request: dict[str, Any], folders: Sequence[int]) -> None:
        self._reading, writing = pipe()
        # They have to be there until the job is over (it may be asked for again), and who called may not wait for that.
        self._given = [writing]
        try:
            for folder in reversed(folders):
                self._given.insert(0, os.dup(folder))
            os.set_blocking(self._reading, False)
            self._asked = ask(job, request, tuple(self._given))
        except BaseException:
            self._close_reading()
            self._close_given()
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        while self._reading >= 0:
            try:
                if data := os.read(self._reading, _PIECE):
                    return data
            except BlockingIOError:
                # What it has written before its end lies in the pipe; with our own end of it gone, so does its end.
                if is_over(self._asked, self._reading, select.POLLIN):
                    self._close_given()
                    os.set_blocking(self._reading, True)
            else:
                self._close_reading()
                self._end()
        raise StopIteration

    def close(self) -> None:
        """Listen no more."""
        if self._reading >= 0:
            self._close_reading()
            try:
                self._end()
            except (Error, OSError):
                pass  # its pipe broke, and nobody wants to know

    def _end(self) -> None:
        try:
            self._asked.answer()
        finally:
            self._close_given()

    def _close_reading(self) -> None:
        os.close(self._reading)
        self._reading = -1

    def _close_given(self) -> None:
        while self._given:
            os.close(self._given.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
