"""The monitor's pump: the program's output to the log and the clients, the clients' input to the program.

Single-threaded, never waiting: a log reader is somebody else's process; a slow client that started the program stops
the reading of its pipes once PENDING bytes wait for it, as a pipe to it would (clients.py says what others meet).
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import termios
import time

from ipycontainer.errors import KernelError, LauncherError
from ipycontainer.launcher.wire import CHUNK, DOCUMENT, STDERR, STDIN, STDOUT, Channel
from ipycontainer.linux import terminal
from ipycontainer.linux.pidfd import send_signal
from ipycontainer.linux.signal_pipe import LONGEST
from ipycontainer.runtime.inside import log
from ipycontainer.runtime.inside.clients import PENDING, WINDOW, Client, Listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipycontainer.runtime.inside.probe import Probes
    from ipycontainer.runtime.launch import Launch

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
    """Everything that flows between one program, its log and its clients.

    once: the program's input ends with the client that gives it (docker's StdinOnce).
    """

    def __init__(self, client: Channel | None, writer: log.LogWriter | None, once: bool = True) -> None:
        self._clients = [] if client is None else [Client(client, holds=True, stdin=True, greeted=True)]
        self._listener: Listener | None = None
        self._log = writer
        self._once = once
        self._sources: dict[int, str] = {}
        self._stdin = -1
        self._terminal = -1
        self._input: list[bytes] = []
        self._input_ended = False
        self._pidfd = -1
        self._has_ended = False
        self._greeting: dict[str, object] = {}
        self._probes: Probes | None = None
        self._hear_size: Callable[[int, int], None] | None = None

    def listen(self, listener: Listener, greeting: dict[str, object]) -> None:
        """Take clients from there on; each is given the `greeting` before anything else."""
        self._listener, self._greeting = listener, greeting

    def tend(self, probes: Probes) -> None:
        """See to its health check too while we pump."""
        self._probes = probes

    def hear_sizes(self, hear: Callable[[int, int], None]) -> None:
        """`hear` is told of each new size (rows, columns) that a client gives the terminal."""
        self._hear_size = hear

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
                elif descriptor == self._stdin:
                    self._feed()
                elif self._listener is not None and descriptor == self._listener.fileno():
                    if (client := self._listener.accept()) is not None:
                        self._clients.append(client)
                else:
                    for client in [item for item in self._clients if item.channel.fileno() == descriptor]:
                        self._serve_client(client, events)
            if any(descriptor == pidfd for descriptor, _ in ready):
                return
            if self._probes is not None:
                self._probes.tend([descriptor for descriptor, _ in ready])

    def _wait(self) -> list[tuple[int, int]]:
        """One poll over what can move now."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        now = time.monotonic()
        held = [client for client in self._clients if client.holds_up(now)]
        if not held:
            for descriptor in self._sources:
                poll.register(descriptor, select.POLLIN)
        full = self._listener is not None and self._listener.rests(now)
        if self._listener is not None and not full:
            poll.register(self._listener.fileno(), select.POLLIN)
        for client in self._clients:
            # Input waits for a program that does not read; who gives none may always speak.
            events = 0 if client.stdin and sum(map(len, self._input)) > PENDING else select.POLLIN
            poll.register(client.channel.fileno(), events | (select.POLLOUT if client.waiting else 0))
        if self._input and self._stdin >= 0:
            both = select.POLLOUT | (select.POLLIN if self._stdin in self._sources else 0)
            poll.register(self._stdin, both)
        # Whoever holds the program up is looked at again, and whether there is room for another.
        waits = [WINDOW] if held or full else []
        if self._probes is not None:
            for descriptor in self._probes.descriptors():
                poll.register(descriptor, select.POLLIN)
            waits.append(min(max(self._probes.due - now, 0.0), LONGEST))
        return poll.poll(min(waits) * 1000 if waits else None)

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
        for client in list(self._clients):
            client.put(kind, data)
            self._offer(client)
        return len(data)

    def _close_source(self, descriptor: int) -> None:
        del self._sources[descriptor]
        if descriptor == self._stdin:
            self._stdin = -1
        if descriptor == self._terminal:
            self._terminal = -1
        os.close(descriptor)

    def _offer(self, client: Client) -> None:
        """Hand the client what it takes without waiting."""
        if not client.offer():
            client.stop_telling()  # what it has said before it went is still to be read

    def _serve_client(self, client: Client, events: int) -> None:
        if events & select.POLLOUT:
            self._offer(client)
        if client not in self._clients or not events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            return
        try:
            message = client.channel.receive()
        except LauncherError:
            message = None
        if message is None:
            self._lose(client)
        elif message.kind == STDIN:
            self._take_input(client, message.data)
        elif message.kind == DOCUMENT:
            message.refuse_descriptors()
            if not client.greeted:
                self._greet(client, message.document)
            else:
                self._obey(message.document)

    def _greet(self, client: Client, document: dict[str, object]) -> None:
        """One that attaches says whether it brings input."""
        client.greeted, client.stdin = True, bool(document.get("stdin"))
        client.say(self._greeting)
        self._offer(client)

    def _obey(self, document: dict[str, object]) -> None:
        wanted = document.get("signal")
        if isinstance(wanted, int):
            try:
                send_signal(self._pidfd, wanted)
            except KernelError:
                pass  # no such signal; the program shall not die of its client's mistake
        size = document.get("resize")
        if isinstance(size, list) and self._terminal >= 0:
            try:
                terminal.resize(self._terminal, int(size[0]), int(size[1]))
            except KernelError:
                return  # nobody has its other side open any more
            if self._hear_size is not None:
                self._hear_size(int(size[0]), int(size[1]))

    def _lose(self, client: Client) -> None:
        """A client is gone; the program goes on, and where it was its only input reads the end of that."""
        client.channel.close()
        self._clients.remove(client)
        self._take_input(client, b"")

    def _take_input(self, client: Client, data: bytes) -> None:
        if not client.stdin:
            return
        if data:
            self._input.append(data)
        elif self._once:
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

    def release(self) -> None:
        """Close our ends of the program's streams: whoever waits to start it again would keep them for good."""
        for descriptor in {*self._sources, self._stdin} - {-1}:
            os.close(descriptor)
        self._sources, self._stdin, self._terminal = {}, -1, -1

    def finish(self, last: dict[str, object], wait: bool) -> bool:
        """Give each client the rest and the last word; False if one is too slow for that and we shall not `wait`."""
        if not self._has_ended:
            self._has_ended = True
            if self._listener is not None:
                self._listener.close()
            for client in list(self._clients):
                client.say_last(last)
        while self._offer_all() and wait:
            poll = select.poll()
            for client in self._clients:
                poll.register(client.channel.fileno(), select.POLLOUT)
            poll.poll()
        return not self._clients

    def _offer_all(self) -> bool:
        """Whether something still waits for somebody; who has had all is let go of."""
        for client in list(self._clients):
            if not client.offer() or not client.waiting:
                client.channel.close()
                self._clients.remove(client)
        return bool(self._clients)

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
