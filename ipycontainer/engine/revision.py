"""A container's record, changed after it was made (`update`): whole and durable, or as it was.

Writers take turns by a lock on the container's folder; readers never wait, for the record is replaced in one rename.
Who is killed in between leaves the old record, and perhaps a temporary name that goes with the container.
"""

from __future__ import annotations

import fcntl
import os

from ipycontainer.engine.asked import Asked
from ipycontainer.errors import NoSuchContainer, StoreError, StoreUnwritable
from ipycontainer.json_text import dumps, loads
from ipycontainer.linux.durability import write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Revision:
    """In a `with`: `config` and `launch`, the record's two lines; both are written at its end, unless that raises.

    Raises NoSuchContainer, StoreError (a damaged record), StoreUnwritable.
    """

    config: dict[str, Any]
    launch: dict[str, Any]

    def __init__(self, folder: str, record: str) -> None:
        self._folder, self._path = folder, os.path.join(folder, record)

    def __enter__(self) -> Revision:
        try:
            self._lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NoSuchContainer(f"No such container: {os.path.basename(self._folder)[:12]}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self.config, self.launch = self._read()
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def _read(self) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            with open(self._path, "rb") as file:
                config, launch = (loads(line) for line in file.read().split(b"\n")[:2])
            return {**config, "request": Asked(config["request"])}, dict(launch)
        except FileNotFoundError:
            raise NoSuchContainer(f"No such container: {os.path.basename(self._folder)[:12]}") from None
        except (ValueError, TypeError, KeyError):
            raise StoreError(
                f"the record {self._path} is damaged; remove the container with `ipycontainer rm`"
            ) from None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                write_file(self._path, [f"{dumps(self.config)}\n{dumps(self.launch)}\n".encode()], 0o600)
        except FileNotFoundError:
            raise NoSuchContainer(f"No such container: {os.path.basename(self._folder)[:12]}") from None
        except OSError as error:
            raise StoreUnwritable(f"cannot write {self._path}: {error.strerror}; is the disk full?") from None
        finally:
            os.close(self._lock)
