"""What is being unpacked goes to the disk meanwhile, not only at the end: the disk would wait for the processor, and
then the processor for the disk.

A kernel begins to write out by itself when a tenth of the memory is dirty, which no layer reaches.  sync_file_range(2)
would be a call for each of twenty thousand small files, so a child calls syncfs(2) while its parent goes on.  It
promises nothing: what counts is the last syncfs, which finds little left to do.
"""

from __future__ import annotations

import os

from ipycontainer.linux.durability import syncfs

# Below this a child costs more than the disk wins.
_EVERY = 32 * 1024 * 1024


class Writeback:
    """Of the file system on which `folder` lies."""

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._waiting = 0
        self._child = 0

    def wrote(self, count: int) -> None:
        """So many bytes more lie in the page cache."""
        self._waiting += count
        if self._waiting >= _EVERY and self._has_ended(os.WNOHANG):
            self._waiting = 0
            self._child = os.fork()
            if not self._child:
                self._write_out()

    def finish(self) -> None:
        """Everything is on the disk."""
        self.wait()
        syncfs(self._folder)

    def wait(self) -> None:
        """The child has ended: it was busy with what is given up, too."""
        self._has_ended(0)

    def _has_ended(self, how: int) -> bool:
        if self._child and os.waitpid(self._child, how)[0]:
            self._child = 0
        return not self._child

    def _write_out(self) -> None:
        try:
            # Nobody shall wait for this child: neither for the pipe to break, nor for the layer's lock to be let go.
            os.closerange(0, self._folder)
            os.closerange(self._folder + 1, os.sysconf("SC_OPEN_MAX"))
            syncfs(self._folder)
        finally:
            os._exit(0)
