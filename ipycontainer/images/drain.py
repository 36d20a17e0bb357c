"""A job in the store namespace that writes a stream which this process reads: the other way round than `feed`."""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Self

    from ipycontainer.images.feed import Call

_PIPE = 1024 * 1024


def drain(call: Call, job: str, request: dict[str, Any], folders: Sequence[int]) -> Iterator[bytes]:
    """What a Drain gives, begun when the first piece is asked for."""
    with Drain(call, job, request, folders) as pieces:
        yield from pieces


class Drain:
    """What `job` writes, given the descriptors (*folders, pipe), in pieces; at the end its error, if any.

    It begins at once and works ahead, as far as the pipe is long.  Whoever stops listening early (`close`) ends the
    job: its pipe breaks.
    """

    def __init__(self, call: Call, job: str, request: dict[str, Any], folders: Sequence[int]) -> None:
        from threading import Thread

        self._reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            fcntl.fcntl(self._reading, fcntl.F_SETPIPE_SZ, _PIPE)
        except OSError:
            pass  # the user's share of pipe memory is used up; a small pipe does it too
        self._failures: list[BaseException] = []
        # They have to be there until the request is sent, and who called may not wait for that.
        given = [*map(os.dup, folders), writing]

        def work() -> None:
            try:
                call(job, request, given)
            except BaseException as error:  # noqa: BLE001  # raised again by the thread that reads
                self._failures.append(error)
            finally:
                for descriptor in given:
                    os.close(descriptor)

        self._worker = Thread(target=work, name=job, daemon=True)
        self._worker.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._reading >= 0 and (data := os.read(self._reading, _PIPE)):
            return data
        self.close()
        if self._failures:
            raise self._failures.pop()
        raise StopIteration

    def close(self) -> None:
        """Listen no more."""
        if self._reading >= 0:
            os.close(self._reading)
            self._reading = -1
            self._worker.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
