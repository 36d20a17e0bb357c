"""What threads tell of their progress, told on by the thread that waits: a cell shows only what its own thread says."""

from __future__ import annotations

from queue import Empty, SimpleQueue

from ipycontainer.errors import RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from typing import Any

    Told = Callable[[str, str, int, int], object]

_PAUSE = 0.05


class Relay:
    """Call it from any thread; `wait` passes everything on from its own."""

    def __init__(self) -> None:
        self._given_up = False
        self._said: SimpleQueue[tuple[str, str, int, int]] = SimpleQueue()

    def __call__(self, layer: str, state: str, done: int, total: int) -> None:
        if self._given_up:
            raise RegistryError("this was given up")
        self._said.put((layer, state, done, total))

    def give_up(self) -> None:
        """Whoever tells something from now on ends over it: nobody listens, and no thread can be ended from outside."""
        self._given_up = True

    def wait(self, futures: Sequence[Future[Any]], tell: Told) -> None:
        """Until all are done, or one has failed: its error is raised at once."""
        while True:
            over = all(future.done() for future in futures)
            failed = [error for future in futures if future.done() and (error := future.exception())]
            try:
                tell(*self._said.get(timeout=0 if over or failed else _PAUSE))
                continue
            except Empty:
                pass
            if failed:
                raise failed[0]
            if over:
                return
