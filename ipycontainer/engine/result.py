"""What a finished program leaves: its exit code and its output."""

from __future__ import annotations

import time

from ipycontainer.control_characters import on_one_line
from ipycontainer.errors import CommandFailed, CommandTimedOut
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.runtime.attachment import Attachment

# More than anybody reads in a notebook, less than what hurts one.
OUTPUT_LIMIT = 16 << 20

# Bytes of a stream that a cell's value shows: a page stands still over 16 MiB on one line.
_SHOWN = 10_000


class Result(Record):
    """exit_code; output: what it wrote to standard output, stderr: to standard error, each up to a limit;
    cut: how many bytes were dropped beyond it, in both together."""

    exit_code: int
    output: bytes
    stderr: bytes = b""
    cut: int = 0
    oom_killed: bool = False

    @property
    def text(self) -> str:
        """The output as text; bytes that are no UTF-8 become U+FFFD."""
        return self.output.decode("utf-8", "replace")

    def __repr__(self) -> str:
        """All of it, but for long output, of which it has the beginning and the length."""
        return f"Result({', '.join(f'{name}={_shown(value)}' for name, value in self.as_dict().items())})"

    def check(self) -> Result:
        """This result if the exit code is 0, else CommandFailed."""
        if self.exit_code:
            words = self.stderr.decode("utf-8", "replace").strip().splitlines()
            reason = f": {on_one_line(words[-1])}" if words else ""
            raise CommandFailed(f"the command ended with exit code {self.exit_code}{reason}", self.exit_code)
        return self


def _shown(value: object) -> str:
    if isinstance(value, bytes) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]!r}… ({len(value):,} bytes)"
    return repr(value)


def collect(attachment: Attachment, limit: int = OUTPUT_LIMIT, timeout: float | None = None) -> Result:
    """Read a program's output to its end, keeping the first `limit` bytes of each stream and counting the rest.

    Raises CommandTimedOut after `timeout` seconds; whoever calls ends the program.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    kept: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    sizes = {"stdout": 0, "stderr": 0}
    cut = 0
    while deadline is None or _comes(attachment, deadline):
        chunk = attachment.read()
        if chunk is None:
            break
        stream, data = chunk
        part = data[: limit - sizes[stream]]
        sizes[stream] += len(part)
        cut += len(data) - len(part)
        if part:
            kept[stream].append(part)
    output, errors = b"".join(kept["stdout"]), b"".join(kept["stderr"])
    if attachment.exit_code is None:
        raise CommandTimedOut(
            f"the command did not end within {timeout:g} s and was ended; the error's output ({len(output):,} bytes)"
            f" and stderr ({len(errors):,}) have what it had written; give it longer (timeout=)",
            output,
            errors,
        )
    return Result(attachment.exit_code, output, errors, cut, attachment.oom_killed)


def _comes(attachment: Attachment, deadline: float) -> bool:
    """Whether there is something to read before the time is over."""
    import select

    left = deadline - time.monotonic()
    poll = select.poll()
    poll.register(attachment.fileno(), select.POLLIN)
    return left > 0 and bool(poll.poll(left * 1000))


def converse(
    attachment: Attachment, stdin: bytes | None, limit: int = OUTPUT_LIMIT, timeout: float | None = None
) -> Result:
    """Give a program its input while its output is read: either alone could fill a pipe and wait for ever."""
    if not stdin:
        if stdin is not None:
            attachment.close_stdin()
        return collect(attachment, limit, timeout)
    import threading

    def feed() -> None:
        attachment.write(stdin)
        attachment.close_stdin()

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    return collect(attachment, limit, timeout)
