"""`--cidfile`: the id of a container in a file of the caller's."""

from __future__ import annotations

import os

from ipycontainer.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class IdFile:
    """A file that is not there yet; one that nothing was written into is not left."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            raise Error(
                f"container ID file found, make sure the other container isn't running or delete {path}"
            ) from None
        except OSError as error:
            raise Error(f"failed to create the container ID file {path}: {error.strerror}") from None

    def write(self, identity: str) -> None:
        """The id, without a newline, as docker writes it."""
        try:
            os.write(self._descriptor, identity.encode())
        except OSError as error:
            raise Error(f"failed to write the container ID file {self._path}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        if not os.fstat(self._descriptor).st_size:
            os.unlink(self._path)
        os.close(self._descriptor)
