"""A job in the store namespace that reads a stream which this process writes."""

from __future__ import annotations

import fcntl
import os
import select

from ipycontainer.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from io import FileIO
    from typing import Any, Protocol

    class Asked(Protocol):
        """A job whose answer is still to come, as launcher/pending.py describes it."""

        def fileno(self) -> int: ...
        def over(self) -> bool: ...
        def answer(self) -> dict[str, Any]: ...

    class Ask(Protocol):
        """`Launcher.ask`: have a job done."""

        def __call__(self, job: str, request: dict[str, Any], descriptors: Sequence[int] = ..., /) -> Asked: ...


_PIPE = 1024 * 1024


def pipe() -> tuple[int, int]:
    """The two ends of a pipe for a stream."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
    except OSError:
        pass  # the user's share of pipe memory is used up; a small pipe does it too
    return reading, writing


def is_over(asked: Asked, descriptor: int, event: int) -> bool:
    """Wait until this end of a pipe is ready or the job is over; whether it is over.

    Both ends of the pipe are open here (the job may have to be asked for again), so that the pipe alone would never
    tell of a job that has died.
    """
    poll = select.poll()
    poll.register(descriptor, event)
    poll.register(asked.fileno(), select.POLLIN)
    return any(ready == asked.fileno() for ready, _ in poll.poll()) and asked.over()


def feed(
    ask: Ask,
    job: str,
    request: dict[str, Any],
    folder: int,
    pieces: Iterable[bytes | memoryview],
    meanwhile: Callable[[], object] | None = None,
) -> dict[str, Any]:
    """Run `job` with the descriptors (folder, pipe) and write `pieces` into the pipe; gives its answer.

    The job begins before the first piece is asked for.  meanwhile: done when it has all of them, and makes them
    durable.  If the job fails, its error is raised; if `pieces` or `meanwhile` does, that error, for it came first.
    """
    reading, writing = pipe()
    with open(reading, "rb", buffering=0), open(writing, "wb", buffering=0) as stream:
        os.set_blocking(writing, False)
        asked = ask(job, request, [folder, reading])
        try:
            _write(asked, stream, pieces)
            stream.close()
            if meanwhile is not None:
                meanwhile()
            while not asked.over():
                pass
        except BaseException:
            stream.close()
            try:
                asked.answer()  # not before its end may anybody touch what it works on
            except (Error, OSError):
                pass  # what came first is told
            raise
        return asked.answer()


def _write(asked: Asked, stream: FileIO, pieces: Iterable[bytes | memoryview]) -> None:
    """All pieces, unless the job is over before."""
    for piece in pieces:
        view = memoryview(piece)
        while view:
            written = stream.write(view)
            if written is not None:
                view = view[written:]
            elif is_over(asked, stream.fileno(), select.POLLOUT):
                return
