"""The monitor's pump: the program's output to the log and the client, the client's input to the program.

Single-threaded, never waiting: a log reader is somebody else's process; an attached client that is slow
stops the reading of the program's pipes once PENDING bytes wait for it, as a pipe to it would.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import termios

from ipycontainer.errors import KernelError, LauncherError
from ipycontainer.launcher.wire import CHUNK, DOCUMENT, STDERR, STDIN, STDOUT, Channel
from ipycontainer.linux import terminal
from ipycontainer.linux.pidfd import send_signal
from ipycontainer.runtime.inside import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.runtime.launch import Launch

PENDING = 1 << 20
_OVERHEAD = 64  # what a chunk costs beside its bytes: a program may write them one by one
_LOG_STREAM = {STDOUT: log.STDOUT, STDERR: log.STDERR}


def program_pipes(launch: Launch, piped: bool, null: int = -1) -> tuple[list[int], list[int]]:
    """The program's 0, 1, 2, and our ends: output, errors, and input if it is wanted.

    Without pipes it gets /dev/null, and where a terminal is still to come nothing of it lasts.  null: that file,
    where it was opened before.
    """
    if null < 0:
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    if launch.terminal or not piped:
        return [null, null, null], []
    out, program_out = os.pipe()
    err, program_err = os.pipe()
    if not launch.stdin:
        return [null, program_out, program_err], [out, err]
    program_in, into = os.pipe()
    os.close(null)
    return [program_in, program_out, program_err], [out, err, into]


class Streams:
    """Everything that flows between one program, its log and its client."""

    def __init__(self, client: Channel | None, writer: log.LogWriter | None) -> None:
        self._client = client
        self._log = writer
        self._poll = select.poll()
        self._sources: dict[int, str] = {}
        self._stdin = -1
        self._terminal = -1
        self._waiting: list[tuple[str, bytes]] = []
        self._waiting_size = 0
        self._input: list[bytes] = []
        self._input_ended = False
        self._pidfd = -1

    def take(self, ours: Sequence[int], terminal: bool) -> None:
        """Our ends of the program's streams: pipes, or the one master of a `terminal`, input and output in one."""
        for descriptor in ours:
            os.set_blocking(descriptor, False)
        if terminal:
            self._stdin = self._terminal = ours[0]
        elif len(ours) > 2:
            self._stdin = ours[2]
        self._sources = dict(zip(ours, (STDOUT,) if terminal else (STDOUT, STDERR)))

    def pump(self, pidfd: int) -> None:
        """Until the process behind `pidfd` has ended."""
        self._pidfd = pidfd
        while True:
            ready = self._wait()
            for descriptor, events in ready:
                if descriptor in self._sources:
                    self._read(descriptor)
                elif self._client is not None and descriptor == self._client.fileno():
                    self._serve_client(events)
                elif descriptor == self._stdin:
                    self._feed()
            if any(descriptor == pidfd for descriptor, _ in ready):
                return

    def _wait(self) -> list[tuple[int, int]]:
        """One poll over what can move now."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if self._waiting_size < PENDING:
            for descriptor in self._sources:
                poll.register(descriptor, select.POLLIN)
        if self._client is not None:
            events = 0 if sum(map(len, self._input)) > PENDING else select.POLLIN
            poll.register(self._client.fileno(), events | (select.POLLOUT if self._waiting else 0))
        if self._input and self._stdin >= 0:
            both = select.POLLOUT | (select.POLLIN if self._stdin in self._sources else 0)
            poll.register(self._stdin, both)
        return poll.poll()

    def _read(self, descriptor: int) -> int:
        """Take one chunk; how many bytes it had."""
        if descriptor == self._stdin and self._input:
            self._feed()
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: nobody has the terminal's other side open any more
                raise
            data = b""
        if not data:
            self._close_source(descriptor)
            return 0
        kind = self._sources[descriptor]
        if self._log is not None:
            self._log.write(_LOG_STREAM[kind], data)
        if self._client is not None:
            self._waiting.append((kind, data))
            self._waiting_size += len(data) + _OVERHEAD
            self._offer()
        return len(data)

    def _close_source(self, descriptor: int) -> None:
        del self._sources[descriptor]
        if descriptor == self._stdin:
            self._stdin = -1
        os.close(descriptor)

    def _offer(self) -> None:
        """Hand the client what it takes without waiting."""
        while self._waiting and self._client is not None:
            kind, data = self._waiting[0]
            try:
                if not self._client.offer_chunk(kind, data):
                    return
            except LauncherError:
                self._lose_client()
                return
            self._waiting.pop(0)
            self._waiting_size -= len(data) + _OVERHEAD

    def _serve_client(self, events: int) -> None:
        assert self._client is not None
        if events & select.POLLOUT:
            self._offer()
        if self._client is None or not events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            return
        try:
            message = self._client.receive()
        except LauncherError:
            message = None
        if message is None:
            self._lose_client()
        elif message.kind == STDIN:
            self._take_input(message.data)
        elif message.kind == DOCUMENT:
            self._obey(message.document)

    def _obey(self, document: dict[str, object]) -> None:
        wanted = document.get("signal")
        if isinstance(wanted, int):
            try:
                send_signal(self._pidfd, wanted)
            except KernelError:
                pass  # no such signal; the program shall not die of its client's mistake
        size = document.get("resize")
        if isinstance(size, list) and self._terminal >= 0:
            terminal.resize(self._terminal, int(size[0]), int(size[1]))

    def _lose_client(self) -> None:
        """The client is gone; the program goes on, and reads the end of its input."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._waiting, self._waiting_size = [], 0
        self._take_input(b"")

    def _take_input(self, data: bytes) -> None:
        if data:
            self._input.append(data)
        else:
            self._input_ended = True
        self._feed()

    def _feed(self) -> None:
        """Give the program what it takes of its input without waiting."""
        while self._input and self._stdin >= 0:
            try:
                written = os.write(self._stdin, self._input[0])
            except BlockingIOError:
                return
            except OSError:
                self._input = []  # it has closed its input, and does not care
                break
            self._input[0] = self._input[0][written:]
            if not self._input[0]:
                self._input.pop(0)
        if self._input_ended and not self._input and self._stdin >= 0 and self._terminal < 0:
            os.close(self._stdin)
            self._stdin = -1

    def drain(self) -> None:
        """After the end: read what lies in the pipes now, and no more.

        What an exec left running in the background may write for ever; nobody waits for that.
        """
        for descriptor in list(self._sources):
            left = _readable(descriptor)
            while left > 0 and descriptor in self._sources:
                left -= self._read(descriptor) or left

    def finish(self, last: dict[str, object], wait: bool) -> bool:
        """Give the client the rest and the last word; False if it is too slow for that and we shall not `wait`."""
        self._offer()
        if self._client is None:
            return True
        if not wait and (self._waiting or not self._client.is_writable()):
            return False
        try:
            for kind, data in self._waiting:
                self._client.send_chunk(kind, data)
            self._client.send(last)
        except LauncherError:
            pass  # it went away
        self._client.close()
        self._client = None
        return True

    def close_log(self) -> None:
        """Nothing more is logged."""
        if self._log is not None:
            self._log.end()
            self._log = None


def _readable(descriptor: int) -> int:
    """How many bytes lie in a pipe or terminal.  ioctl_tty(2) FIONREAD."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0])
    except OSError:
        return 0  # a terminal whose other side is gone
