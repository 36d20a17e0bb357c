"""What a process has that was forked ahead and waits at a listening socket for the next request."""

from __future__ import annotations

import _socket
import os
import select
import struct

from ipycontainer.launcher.wire import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PID = struct.Struct("i")

NO_PROCESS = (
    "the launcher can make no process for this request: your account's limit of processes is reached (ulimit -u), that "
    "of its control group, or memory is used up; end what you do not need and try again"
)
# Seconds without a request after which one that waits goes: nothing is kept ready for whoever does not come.
REST = 60.0
# The same for one that has served already: who comes in a row comes at once.
BREATH = 0.05


class Waiting:
    """One place in a queue, for the process `pid` that the launcher forked, and for whatever that forks.

    hurried: somebody is in the queue already, so nothing should be done first that can be left out.
    The launcher is told by its number of each that has taken a request, and by the same below 0 of one that is back.
    """

    def __init__(self, listener: _socket.socket, lifeline: int, taker: int, hurried: bool) -> None:
        self._listener = listener
        self._lifeline = lifeline
        self._taker = taker
        self.hurried = hurried
        self.pid = os.getpid()
        self.is_in_queue = True
        self._rest = REST

    def descriptors(self) -> list[int]:
        """What must stay open as long as it waits."""
        return [self._listener.fileno(), self._lifeline, self._taker]

    def accept(self, others: Sequence[int] = (), stays: bool = False) -> Channel | None:
        """The next connection; None when there is no use in waiting any longer.

        That is so after a rest, when the launcher has left, or when one of `others` is readable or has ended.
        stays: the place in the queue is kept, for `come_back` or `close`.
        """
        poll = select.poll()
        for descriptor in (self._listener.fileno(), self._lifeline, *others):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = poll.poll(self._rest * 1000)
            if any(found in others for found, _ in ready):
                return None  # whoever would see to what is accepted here is gone
            try:
                descriptor, _ = self._listener._accept()  # type: ignore[attr-defined]
                break
            except BlockingIOError:
                if [found for found, _ in ready] != [self._listener.fileno()]:
                    return None  # nobody is in the queue, and nobody will come
        # The launcher knows by this that one more is to be made ready.
        os.write(self._taker, PID.pack(self.pid))
        if not stays:
            self.close()
        sock = _socket.socket(fileno=descriptor)
        sock.setblocking(True)
        return Channel(sock)

    def come_back(self) -> bool:
        """Wait once more; False where the launcher is gone."""
        self._rest = BREATH
        try:
            os.write(self._taker, PID.pack(-self.pid))
        except BrokenPipeError:
            return False
        return True

    def await_request(self, channel: Channel) -> None:
        """Until it has come; where the launcher ends first the queue is left.

        A client that says nothing shall not keep open what nobody else listens at.
        """
        poll = select.poll()
        for descriptor in (channel.fileno(), self._lifeline):
            poll.register(descriptor, select.POLLIN)
        if channel.fileno() not in (found for found, _ in poll.poll()):
            self.close()

    def close(self) -> None:
        """Wait no more."""
        self.is_in_queue = False
        self._listener.close()
        for end in (self._taker, self._lifeline):
            os.close(end)
