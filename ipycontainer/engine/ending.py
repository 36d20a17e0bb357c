"""Waiting for a container's end beside others: for coroutines."""

from __future__ import annotations

import os
import time

from ipycontainer.engine import kinds
from ipycontainer.engine.streams import readable
from ipycontainer.errors import TimedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.engine.container import Container

# Between its end and the end of its monitor, and before a created one is started, nobody tells.
_SECONDS = 0.05


async def ended(container: Container, timeout: float | None) -> int:
    """Its exit code.  Raises what `Container.wait` raises."""
    timeout = kinds.patience(timeout, "timeout")
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            return container.wait(0)
        except TimedOut:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimedOut(f"the container did not end within {timeout:g} s; it goes on") from None
        await _until_monitor_ends(container.state().monitor, left)


async def _until_monitor_ends(pid: int, limit: float | None) -> None:
    import asyncio

    try:
        descriptor = os.pidfd_open(pid) if pid else -1
    except OSError:
        descriptor = -1
    if descriptor < 0:
        await asyncio.sleep(_SECONDS if limit is None else min(_SECONDS, limit))
        return
    try:
        # A number is the monitor's while its lock is held; where it just has ended, a second is the longest error.
        await readable(descriptor, 1.0 if limit is None else min(limit, 1.0))
    finally:
        os.close(descriptor)
