"""That somebody stopped a container by hand, which its restart policy has to know: docker's HasBeenManuallyStopped.

FOLDER/stopped      written by the job "kill" before it sends its signal, only where there is a policy; removed by the
                    monitor when a start by hand begins; read by the monitor at an end, and by `system boot`.  It says
                    "final" where no policy may start the container again; else only `unless-stopped` does not.
                    Who is killed between mark and signal has stopped nothing yet: the next end is then the last.
RUN/backoff         a FIFO, there while a monitor waits before it starts the container again; a byte ends the wait.
                    It goes with the run folder.
"""

from __future__ import annotations

import os
import select
import time

from ipycontainer.errors import KernelError
from ipycontainer.linux.durability import is_full, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MARK, FINAL = "stopped", "final"
_BACKOFF = "backoff"
_LOOK = 0.05  # seconds


def mark(folder: str, final: bool) -> None:
    """Write the mark, so that it survives a power cut."""
    path = os.path.join(folder, MARK)
    try:
        if not (read(folder) == FINAL and not final):
            write_file(path, [(FINAL if final else "signalled").encode()], 0o600)
    except OSError as error:
        if not is_full(error):
            raise KernelError("write", error.errno or 0, path) from None
        _mark_on_full_disk(path)


def _mark_on_full_disk(path: str) -> None:
    """A mark without a word, which takes no block: what fills the disk must be stopped before all others."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise KernelError("open", error.errno or 0, path) from None


def read(folder: str) -> str:
    """What the mark says; "" where there is none.  One without a word was made on a full disk, and is final."""
    try:
        with open(os.path.join(folder, MARK), encoding="ascii") as file:
            return file.read() or FINAL
    except OSError:
        return ""


def clear(folder: str) -> None:
    """Forget it: somebody starts the container."""
    try:
        os.unlink(os.path.join(folder, MARK))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise KernelError("unlink", error.errno or 0, MARK) from None


def wake(run: str) -> bool:
    """End the wait of a monitor before it starts its container again; whether there was one."""
    try:
        fifo = os.open(os.path.join(run, _BACKOFF), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # ENOENT: nobody waits; ENXIO: a killed monitor's
    try:
        os.write(fifo, b"!")
    except OSError:
        pass  # it is full: then enough has been said
    finally:
        os.close(fifo)
    return True


def wait(run: str, folder: str, seconds: float, clock: Callable[[], float] = time.monotonic) -> bool:
    """Wait so long before the next start; False as soon as somebody has stopped the container for good.

    The FIFO is there before the mark is read, and the mark is written before the FIFO is looked for: none is missed.
    Where there can be none (a full disk) the mark is looked at now and then.
    """
    path = os.path.join(run, _BACKOFF)
    fifo = _open_fifo(path)
    try:
        poll = select.poll()
        if fifo >= 0:
            poll.register(fifo, select.POLLIN)
        end = clock() + seconds
        while (left := end - clock()) > 0 and read(folder) != FINAL:
            if poll.poll((left if fifo >= 0 else min(left, _LOOK)) * 1000):
                os.read(fifo, 4096)
    finally:
        if fifo >= 0:
            _remove(path)
            os.close(fifo)
    return read(folder) != FINAL


def _open_fifo(path: str) -> int:
    """Both its ends, or the poll would return for ever once a writer has left; -1 where there can be none."""
    try:
        try:
            os.mkfifo(path, 0o600)
        except FileExistsError:
            pass
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # its folder goes by force
