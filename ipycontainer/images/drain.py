"""A job in the store namespace that writes a stream which this process reads: the other way round than `feed`."""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ipycontainer.images.feed import Call

_PIPE = 1024 * 1024


def drain(call: Call, job: str, request: dict[str, Any], folders: Sequence[int]) -> Iterator[bytes]:
    """Run `job` with the descriptors (*folders, pipe) and give what it writes; at the end its error, if any.

    Whoever stops listening early ends the job: its pipe breaks.
    """
    from threading import Thread

    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, _PIPE)
    except OSError:
        pass  # the user's share of pipe memory is used up; a small pipe does it too
    failures: list[BaseException] = []

    def work() -> None:
        try:
            call(job, request, [*folders, writing])
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that reads
            failures.append(error)
        finally:
            os.close(writing)

    worker = Thread(target=work, name=job, daemon=True)
    worker.start()
    try:
        while data := os.read(reading, _PIPE):
            yield data
    finally:
        os.close(reading)
        worker.join()
    if failures:
        raise failures[0]
