"""A job in the store namespace that reads a stream which this process writes."""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Protocol

    class Call(Protocol):
        """`Launcher.call`: run a job, wait for its answer."""

        def __call__(
            self, job: str, request: dict[str, Any], descriptors: Sequence[int] = ..., /
        ) -> dict[str, Any]: ...


_PIPE = 1024 * 1024


def feed(
    call: Call, job: str, request: dict[str, Any], folder: int, pieces: Iterable[bytes | memoryview]
) -> dict[str, Any]:
    """Run `job` with the descriptors (folder, pipe) and write `pieces` into the pipe; gives its answer.

    If the job fails, its error is raised; if `pieces` does, that error, for it came first.
    """
    from threading import Thread

    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
    except OSError:
        pass  # the user's share of pipe memory is used up; a small pipe does it too
    answers: list[dict[str, Any]] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(call(job, request, [folder, reading]))
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits
            failures.append(error)
        finally:
            # Only now: while this end is open, a writer to a job that has died would wait for ever.
            os.close(reading)

    worker = Thread(target=work, name=job, daemon=True)
    worker.start()
    try:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[os.write(writing, view) :]
    except BrokenPipeError:
        pass  # the job has ended early, and its own error says why
    finally:
        os.close(writing)
        worker.join()
    if failures:
        raise failures[0]
    return answers[0]
