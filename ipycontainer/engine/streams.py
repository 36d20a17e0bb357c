"""What comes bit by bit, and may be waited for: in a `for`, in an `async for`, with a time limit, and cancelled.

A source knows what is there now and which descriptors tell that there may be more; a Stream waits.  It holds a
descriptor of its own beside them, through which `close` wakes whoever waits, from any thread.
"""

from __future__ import annotations

import os
import time

from ipycontainer.engine import kinds
from ipycontainer.errors import TimedOut
from ipycontainer.linux.signal_pipe import await_any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import Any, Protocol

    class Source(Protocol):
        """Where a stream's items come from."""

        def take(self) -> Sequence[Any]:
            """What is there now and was not given yet, without waiting."""

        @property
        def ended(self) -> bool:
            """Nothing more will come, seen before the last `take`."""

        def descriptors(self) -> list[int]:
            """Each becomes readable when there may be more."""

        @property
        def patience(self) -> float | None:
            """Seconds after which to look again whatever the descriptors say; None: for ever."""

        def close(self) -> None:
            """Give everything back."""


class Stream:
    """Items of a source, one after the other.  Use it in a `with`, or iterate to its end, or `close` it.

    timeout: how many seconds may pass without an item before TimedOut is raised; the stream stays usable then.
    """

    def __init__(self, source: Source, timeout: float | None = None) -> None:
        self._source = source
        self._timeout = kinds.patience(timeout, "timeout")
        self._items: list[Any] = []
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._closed = self._released = self._at_work = False

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        deadline = self._deadline()
        with self._working():
            while not self._look():
                await_any(self._descriptors(), self._limit(deadline))
            if self._items:
                return self._items.pop(0)
        raise StopIteration

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        deadline = self._deadline()
        with self._working():
            while not self._look():
                await _Readable(self._descriptors(), self._limit(deadline))
            if self._items:
                return self._items.pop(0)
        raise StopAsyncIteration

    def _deadline(self) -> float | None:
        return None if self._timeout is None else time.monotonic() + self._timeout

    def _working(self) -> _Work:
        return _Work(self)

    def _look(self) -> bool:
        """Whether there is an item, or never will be another."""
        if self._closed:
            self._items = []
            return True
        if not self._items:
            ended = self._source.ended
            self._items = list(self._source.take())
            self._closed = ended and not self._items
        return bool(self._items) or self._closed

    def _descriptors(self) -> list[int]:
        return [self._wake, *self._source.descriptors()]

    def _limit(self, deadline: float | None) -> float | None:
        """How long to wait.  Raises TimedOut when that time is over."""
        limits = [] if self._source.patience is None else [self._source.patience]
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOut(f"nothing came within {self._timeout:g} s; ask again, or give it longer (timeout=)")
            limits.append(left)
        return min(limits) if limits else None

    def close(self) -> None:
        """Nothing more comes: whoever waits, in whatever thread, is at the end."""
        self._closed = True
        if not self._released:
            os.eventfd_write(self._wake, 1)
        if not self._at_work:
            self._release()

    def _release(self) -> None:
        if not self._released:
            self._released = True
            self._source.close()
            os.close(self._wake)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a stream cannot be copied or pickled: two would close the same descriptors")

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_released"):
            self.close()


class _Work:
    """Somebody is inside: who closes meanwhile leaves the descriptors to him."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __enter__(self) -> None:
        if self._stream._at_work:
            raise RuntimeError("this stream is being read already; take one for each reader")
        self._stream._at_work = True

    def __exit__(self, *_: object) -> None:
        self._stream._at_work = False
        if self._stream._closed:
            self._stream._release()


class _Readable:
    """Awaited: until one of the descriptors is readable, at most `limit` seconds.  Cancelled, it leaves no reader."""

    def __init__(self, descriptors: list[int], limit: float | None) -> None:
        self._descriptors, self._limit = descriptors, limit

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        for descriptor in self._descriptors:
            loop.add_reader(descriptor, came.set)
        try:
            await asyncio.wait_for(came.wait(), self._limit)
        except TimeoutError:
            pass  # whoever waits looks whether that was the source's patience or his own
        finally:
            for descriptor in self._descriptors:
                loop.remove_reader(descriptor)


async def readable(descriptor: int, limit: float | None) -> None:
    """Until `descriptor` is readable, at most `limit` seconds."""
    await _Readable([descriptor], limit)
