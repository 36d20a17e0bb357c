"""Owners that a single mapped id cannot have on disk, kept in a file beside the tree.

Each record is `UID GID MODE(octal) PATH NUL`, for everything that is not plainly
root's; commit and push read them back, so nothing is lost.
"""

from __future__ import annotations

import os

from ipycontainer.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.images.inside.tar_entry import Entry

NAME = "owners"


class Owners:
    """The owners of one layer."""

    def __init__(self) -> None:
        self._records: dict[bytes, bytes] = {}

    def note(self, path: bytes, entry: Entry) -> None:
        """Remember whose `path` is."""
        if entry.uid or entry.gid:
            self._records[path] = b"%d %d %o " % (entry.uid, entry.gid, entry.mode)
        else:
            self._records.pop(path, None)

    def write(self, folder: int) -> None:
        """Write the file `owners` into `folder`."""
        descriptor = os.open(NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=folder)
        with open(descriptor, "wb") as file:
            file.writelines(record + path + b"\0" for path, record in self._records.items())


def read(raw: bytes) -> dict[bytes, tuple[int, int, int]]:
    """path -> uid, gid, mode, from what `write` wrote."""
    found = {}
    for record in raw.split(b"\0")[:-1]:
        parts = record.split(b" ", 3)
        if len(parts) != 4:
            raise StoreError("the file of owners beside a layer is damaged; remove the image and load it again")
        found[parts[3]] = (int(parts[0]), int(parts[1]), int(parts[2], 8))
    return found
