"""The caller's end of a running program: its output as it comes, its input, its signals, its exit code."""

from __future__ import annotations

from ipycontainer.errors import LauncherError, from_wire
from ipycontainer.launcher.wire import CHUNK, STDERR, STDIN, STDOUT, Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_NAMES = {STDOUT: "stdout", STDERR: "stderr"}
_LOST = "the monitor went away; `ipycontainer ps -a` says what is known of the container"


class Attachment:
    """A foreground program.  Iterate for (stream, bytes); afterwards `exit_code` is set.

    Closing it early detaches: the program goes on.
    """

    def __init__(self, channel: Channel, pid: int) -> None:
        self._channel = channel
        self.pid = pid
        self.exit_code: int | None = None
        self.lost = 0  # bytes that were not waited for, because we were too slow
        self.oom_killed = False

    def fileno(self) -> int:
        """For poll: readable when `read` would not wait."""
        return self._channel.fileno()

    def read(self) -> tuple[str, bytes] | None:
        """The next (stream, bytes), waiting for it; None at the end, when exit_code is set.

        stream is "stdout" or "stderr".  Raises LauncherError if the monitor was killed.
        """
        while self.exit_code is None:
            message = self._channel.receive()
            if message is None:
                raise LauncherError(_LOST)
            if message.kind in _NAMES:
                return _NAMES[message.kind], message.data
            message.refuse_descriptors()
            try:
                self._take(message.document)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise LauncherError(f"the monitor's answer makes no sense: {error}; see `ps -a`") from None
        return None

    def _take(self, document: dict[str, Any]) -> None:
        if "error" in document:
            raise from_wire(document["error"])
        self.lost += int(document.get("lost", 0))
        if "answer" in document:
            self.exit_code = int(document["answer"]["exit_code"])
            self.oom_killed = bool(document["answer"].get("oom_killed"))
            self.close()

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        while (chunk := self.read()) is not None:
            yield chunk

    # A program that has ended takes nothing more; that is no error here, because `read` is about to say it.

    def write(self, data: bytes) -> None:
        """Give the program input."""
        try:
            for start in range(0, len(data), CHUNK):
                self._channel.send_chunk(STDIN, data[start : start + CHUNK])
        except LauncherError:
            pass

    def close_stdin(self) -> None:
        """End the program's input."""
        try:
            self._channel.send_chunk(STDIN, b"")
        except LauncherError:
            pass

    def signal(self, number: int) -> None:
        """Send signal `number` to the program (PID 1 of a run, the process of an exec)."""
        self._ask({"signal": int(number)})

    def resize(self, rows: int, columns: int) -> None:
        """Tell the program's terminal its new size."""
        self._ask({"resize": [rows, columns]})

    def _ask(self, document: dict[str, Any]) -> None:
        try:
            self._channel.send(document)
        except LauncherError:
            pass

    def detach(self) -> None:
        """Leave; the program goes on."""
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._channel.close()

    def __enter__(self) -> Attachment:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()
