"""Being told when to look at a store's containers and images again.

Whoever shows them for a long time (a side bar, a dashboard) looks once, waits until the watch's descriptor is
readable, and looks again: between two changes nothing runs.  What is told:

- names come, go and change (create, rename, remove): the folder of names;
- containers start and end, images come and go: the journal;
- a monitor ends, even by SIGKILL, which no journal hears of: the kernel closes its `alive` file.
"""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError
from ipycontainer.launcher import folders
from ipycontainer.linux import inotify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine


class Watch:
    """A watch over the store of `engine`.  Close it after use.

    Raises StoreUnwritable, NetworkFileSystem, KernelError (no inotify descriptors left).
    """

    def __init__(self, engine: Engine) -> None:
        folders.prepare(engine.root)
        self._inotify = inotify.Inotify()
        self._living: dict[str, int] = {}
        self._broken = False
        try:
            self._base = {
                # The folder: a watch on the journal would go with it when it is set aside.
                self._inotify.add(engine.root, inotify.CREATE | inotify.MODIFY),
                self._inotify.add(engine.directory.names_folder, inotify.CREATE | inotify.DELETE | inotify.MOVED_TO),
            }
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Readable when it is time to look again."""
        return self._inotify.fileno()

    def drain(self) -> bool:
        """Take what was told; whether there was anything."""
        told = self._inotify.read()
        if any(mask & inotify.IGNORED and watch in self._base for watch, mask in told):
            self._broken = True
        return bool(told)

    @property
    def broken(self) -> bool:
        """The store itself was removed: nothing more will be told; make a new watch."""
        return self._broken

    def live(self, containers: Iterable[Container]) -> None:
        """Which containers run now, after a look: the end of each one's monitor will be told."""
        running = {os.path.join(container.run_folder, "alive") for container in containers}
        for path in self._living.keys() - running:
            self._inotify.remove(self._living.pop(path))
        for path in running - self._living.keys():
            try:
                self._living[path] = self._inotify.add(path, inotify.CLOSE_WRITE | inotify.DELETE_SELF)
            except KernelError:
                continue  # it has just ended, which the journal tells; or the user's watches are used up

    def close(self) -> None:
        """End all watches."""
        self._inotify.close()
