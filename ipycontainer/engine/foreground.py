"""Staying with a program to its end; and what becomes of it when whoever stays is interrupted."""

from __future__ import annotations

import select
import time

from ipycontainer.engine import kinds
from ipycontainer.errors import Error, InputError
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.result import Result
    from ipycontainer.runtime.attachment import Attachment

_PATIENCE = 2.0  # seconds, as in a terminal
_AFTER_KILL = 10.0  # what a machine at its limit may take to end a process, and its monitor to write that down
_SIGINT, _SIGKILL = 2, 9


class Stay(Record):
    """How somebody stays with a program: stdin: its input; output_limit: bytes kept of each stream; timeout: seconds
    after which it is ended, None: never."""

    stdin: bytes | None
    output_limit: int
    timeout: float | None


def stay(stdin: object, output_limit: object, timeout: object, detach: bool = False) -> Stay:
    """As a caller gives it.  Raises InputError."""
    given = kinds.binary(stdin, "stdin")
    if detach and given:
        raise InputError("stdin cannot be given with detach: nobody stays; leave it out, or attach and write")
    if detach and timeout is not None:
        raise InputError("timeout cannot be given with detach: nobody stays; leave it out, and wait(timeout=) and stop")
    return Stay(given, kinds.amount(output_limit, "output_limit"), kinds.time_limit(timeout, "timeout"))


def run(container: Container, detach: bool, remove: bool, how: Stay) -> Result | Container:
    """Start a container that was just made: its Result, or itself at once with `detach`.

    remove: nothing of it outlasts an error or an interrupt.  Raises StartError and its kin, CommandTimedOut.
    """
    try:
        attachment = container.start(attach=not detach, stdin=how.stdin is not None and not detach)
    except BaseException as error:
        if remove or not isinstance(error, Error):
            _discard(container)  # an interrupt: nobody knows of it yet
        raise
    if attachment is None:
        return container
    try:
        return converse(attachment, how, container.kill)
    except BaseException:
        if remove:
            _discard(container)
        raise


def converse(attachment: Attachment, how: Stay, send: Callable[[int], None]) -> Result:
    """The program's Result, when it has ended; an interrupt ends it, and its time limit.  send: gives it a signal."""
    from ipycontainer.engine import result

    with attachment:
        try:
            return result.converse(attachment, how.stdin, how.output_limit, how.timeout)
        except BaseException:
            _end(attachment, send)
            raise


def _end(attachment: Attachment, send: Callable[[int], None]) -> None:
    """SIGINT, and SIGKILL to what does not end by it, or at a second interrupt."""
    try:
        _tell(_SIGINT, send)
        if _ends(attachment, _PATIENCE):
            return
    except KeyboardInterrupt:
        pass  # what came first is raised
    _tell(_SIGKILL, send)
    _ends(attachment, _AFTER_KILL)


def _tell(signal: int, send: Callable[[int], None]) -> None:
    try:
        send(signal)
    except Error:
        pass  # it has just ended


def _ends(attachment: Attachment, seconds: float) -> bool:
    """Whether it ends in time; what it still says is nobody's any more."""
    if attachment.exit_code is not None:
        return True
    end = time.monotonic() + seconds
    poll = select.poll()
    poll.register(attachment.fileno(), select.POLLIN)
    try:
        while (left := end - time.monotonic()) > 0:
            if poll.poll(left * 1000) and attachment.read() is None:
                return True
    except Error:
        return True  # its monitor has gone
    return False


def _discard(container: Container) -> None:
    try:
        container.remove(force=True)
    except Error:
        pass  # whoever started it has done so, or it cannot be done: what went wrong is what is told
