"""What ends a kernel's container when the process that launched it was killed.

kill -9 leaves nobody time to tidy up, and a container outlives whoever started it; a kernel that nobody can
reach shall not.  The guard is forked before there is anything to end, leaves the process group (a front end
kills that), and waits for one byte in a pipe: a pipe that ends without it means that its writer was killed.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Guard:
    """act: what the guard does if this process ends without `dismiss`."""

    def __init__(self, act: Callable[[], None]) -> None:
        reading, self._writing = os.pipe2(os.O_CLOEXEC)
        if os.fork():
            os.close(reading)
            return
        try:
            os.setsid()
            os.close(self._writing)
            null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
            for standard in (0, 1, 2):
                os.dup2(null, standard)  # a front end waits for the end of the kernel's output
            if not os.read(reading, 1):
                act()
        finally:
            os._exit(0)

    def dismiss(self) -> None:
        """Everything is tidied up: the guard ends and does nothing."""
        os.write(self._writing, b".")
        os.close(self._writing)
