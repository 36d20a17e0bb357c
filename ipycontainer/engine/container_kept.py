"""What is kept of a container, whether it runs or not: its files and its log."""

from __future__ import annotations

import os

from ipycontainer.engine.container_condition import Condition
from ipycontainer.errors import WrongState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal, overload

    from ipycontainer.engine.log_selection import LogStream
    from ipycontainer.images.trees import Trees
    from ipycontainer.runtime.log_reader import LogEntry


class Kept(Condition):
    """What can be read of it in any state.

    written: how it starts, where whoever made it still knows; else it is read when it is needed.
    """

    written: dict[str, Any] | None = None

    # What it wrote.

    def trees(self) -> Trees:
        """Its image's layers with its own on top, to look into.  Raises NoSuchContainer."""
        self.must_be_there()
        written = self.written or self._engine.directory.read_launch(self.id)
        lowers = [os.path.basename(os.path.dirname(path)) for path in written["lowers"]]
        return self._engine.store.trees(lowers, self.folder)

    def diff(self) -> list[tuple[str, str]]:
        """("A", "C" or "D", path) of what it added, changed and deleted in its image's files."""
        return self.trees().changes()

    def export(self) -> Iterator[bytes]:
        """All of its files as a plain tar, in pieces."""
        self._engine.journal.append("container", "export", self.id, self.told)
        return self.trees().export()

    # What it said.

    def log_entries(
        self, tail: int | None = None, since: float | None = None, until: float | None = None
    ) -> Iterator[LogEntry]:
        """Its output by lines.  tail: only the last so many of what is there; since, until: seconds since the epoch."""
        from ipycontainer.engine.log_selection import select

        return select(self._log_folder(), tail, since, until)

    def follow(
        self,
        tail: int | None = None,
        since: float | None = None,
        until: float | None = None,
        timeout: float | None = None,
    ) -> LogStream:
        """The same, and the lines to come until it has ended, for `for` and `async for`.

        timeout: how many seconds may pass without a line before TimedOut is raised.  Its `close`, from any thread,
        ends it.
        """
        from ipycontainer.engine.log_selection import follow

        return follow(self._log_folder(), self.run_folder, tail, since, until, timeout)

    def _log_folder(self) -> str:
        self.must_be_there()
        if self._config["request"].get("log_driver") == "none":
            raise WrongState("configured logging driver does not support reading: it was made with --log-driver none")
        return os.path.join(self.folder, "log")

    if TYPE_CHECKING:

        @overload
        def logs(self, follow: Literal[False] = False, **selection: float | None) -> bytes: ...
        @overload
        def logs(self, follow: Literal[True], **selection: float | None) -> LogStream: ...

    def logs(  # type: ignore[misc]  # the overloads say what comes back, as those of Engine.run
        self,
        follow: bool = False,
        *,
        tail: int | None = None,
        since: float | None = None,
        until: float | None = None,
        timeout: float | None = None,
    ) -> bytes | LogStream:
        """All that it has said, both streams, in the order in which it came, as bytes; or what `follow` gives.

        tail, since, until: as for `log_entries`; timeout: as for `follow`, and nothing is waited for without it.
        """
        if follow:
            return self.follow(tail, since, until, timeout)
        return b"".join(entry.data for entry in self.log_entries(tail, since, until))
