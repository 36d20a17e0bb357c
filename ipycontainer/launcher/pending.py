"""A job that was asked for, and whose answer is still to come: whoever asked may do something else meanwhile."""

from __future__ import annotations

import time

from ipycontainer.errors import Error, LauncherError, from_wire
from ipycontainer.launcher.wire import DOCUMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.launcher.client import Launcher
    from ipycontainer.launcher.wire import Channel, Message

# Those who waited with a launcher that was killed listen a little longer than it, while they tidy up.
PATIENCE = 5.0
BREATH = 0.002


class Pending:
    """The job `job`, sent at once; a `poll` of it says that something has come (`over`).

    path: the socket of the launcher that takes it; descriptors: copied over, and to be kept open until it is over.

    A launcher that is killed takes along what waits at its socket.  The kernel tells such a request, which nobody
    has read, from one that somebody has: the first is asked again, of the next launcher.
    """

    def __init__(
        self, launcher: Launcher, path: str, job: str, request: dict[str, Any], descriptors: Sequence[int]
    ) -> None:
        self._launcher = launcher
        self._path = path
        self._job = job
        self._said = {"job": job, "request": request}
        self._descriptors = descriptors
        self._end = time.monotonic() + PATIENCE
        self._answer: dict[str, Any] | None = None
        self._failure: Error | None = None
        self.channel = self._sent()

    def _sent(self) -> Channel:
        while True:
            channel = self._launcher.connect(self._path)
            try:
                channel.send(self._said, self._descriptors)
            except BaseException as error:
                channel.close()
                if not (isinstance(error, LauncherError) and channel.was_reset):
                    raise
            else:
                return channel
            self._take_breath()

    def _take_breath(self) -> None:
        if time.monotonic() > self._end:
            raise LauncherError(
                f"for {PATIENCE:g} s launchers at {self._path} went away before they read the request; "
                "is somebody killing them?"
            )
        time.sleep(BREATH)

    def fileno(self) -> int:
        """For poll; another one after each `over` that says no."""
        return self.channel.fileno()

    def close(self) -> None:
        """Wait no more."""
        self.channel.close()

    def first(self) -> Message:
        """The first message of a job that is a conversation, waiting for it.  Raises the job's error, LauncherError."""
        again = True
        while again:
            message, again = self._receive()
        if message is None:
            raise self._gone()
        unwrap(message.document)
        return message

    def _receive(self) -> tuple[Message | None, bool]:
        """The next message, and whether the request was asked again instead."""
        try:
            message = self.channel.receive()
        except LauncherError:
            if not self.channel.was_reset:
                raise
            message = None
        if message is not None or not self.channel.was_reset:
            return message, False
        self.channel.close()
        self._take_breath()
        self.channel = self._sent()
        return None, True

    def over(self) -> bool:
        """Take what has come, waiting where nothing has; whether the job is over."""
        if self._is_over():
            return True
        try:
            message, again = self._receive()
        except Error as error:
            self._failure = error
            return True
        if again:
            return False
        if message is None:
            self._failure = self._gone()
        elif message.kind == DOCUMENT:
            try:
                self._answer = unwrap(message.document)
            except Error as error:
                self._failure = error
        return self._is_over()

    def _gone(self) -> LauncherError:
        log = f"{self._launcher.run}/launcher.log"
        return LauncherError(f"the job {self._job!r} went away without an answer; see {log}")

    def _is_over(self) -> bool:
        return self._answer is not None or self._failure is not None

    def answer(self) -> dict[str, Any]:
        """The job's answer, waiting for it.  Raises the Error that the job raised, or LauncherError: it went away."""
        try:
            while not self._is_over():
                self.over()
        finally:
            self.close()
        if self._answer is None:
            assert self._failure is not None
            raise self._failure
        return self._answer


def unwrap(document: dict[str, Any]) -> dict[str, Any] | None:
    """The answer in a job's last document; None if it is not the last.  Raises the job's error."""
    if "error" in document:
        error: Error = from_wire(document["error"])
        raise error
    answer: dict[str, Any] | None = document.get("answer")
    return answer
