"""Follows an attached program to its end: output as it comes, and the interrupt button."""

from __future__ import annotations

import select
import signal
import time

from ipycontainer.jupyter.interrupts import Presses
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipycontainer.engine.attachment import Attachment
    from ipycontainer.jupyter.stream import CellStream

PATIENCE = 2.0


class Ending(Record):
    """How it ended: the exit code, and the signal that an interrupt sent (0 for none)."""

    exit_code: int
    sent: int = 0


def follow(attachment: Attachment, streams: Mapping[str, CellStream], patience: float = PATIENCE) -> Ending:
    """Shows `attachment` in `streams` until the program ends.

    The first press of the interrupt button sends SIGINT; the second, or `patience`
    seconds without an end, SIGKILL; the third leaves with KeyboardInterrupt.
    """
    sent, deadline = 0, None
    with Presses() as presses:
        poll = select.poll()
        poll.register(attachment.fileno(), select.POLLIN)
        poll.register(presses.fileno(), select.POLLIN)
        chunks = iter(attachment)
        while True:
            ready = {number for number, _ in poll.poll(_timeout(streams, deadline))}
            pressed = presses.take() if presses.fileno() in ready else 0
            late = deadline is not None and time.monotonic() >= deadline
            if pressed and sent == signal.SIGKILL:
                raise KeyboardInterrupt("the program was killed and has not ended yet")
            if pressed + bool(pressed and sent) > 1 or late:
                attachment.signal(signal.SIGKILL)
                sent, deadline = signal.SIGKILL, None
            elif pressed:
                attachment.signal(signal.SIGINT)
                sent, deadline = signal.SIGINT, time.monotonic() + patience
            if attachment.fileno() in ready:
                found = next(chunks, None)
                if found is None:
                    break
                name, chunk = found
                streams[name].feed(chunk)
            for stream in streams.values():
                stream.tick()
    for stream in streams.values():
        stream.end()
    return Ending(attachment.exit_code, sent)


def _timeout(streams: Mapping[str, CellStream], deadline: float | None) -> float | None:
    waits = [stream.wait for stream in streams.values()]
    if deadline is not None:
        waits.append(max(0.0, deadline - time.monotonic()))
    known = [wait for wait in waits if wait is not None]
    return min(known) * 1000 if known else None
