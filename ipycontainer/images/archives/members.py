"""What lies where in an archive, so that its documents can be read before its layers.

A plain archive in a file is read where it is; one from a pipe, or a compressed
one, is first written to a file without a name in the store.
"""

from __future__ import annotations

import os
import posixpath
from stat import S_ISDIR, S_ISREG

from ipycontainer.errors import ArchiveError
from ipycontainer.images.decompress import compression_of, plain
from ipycontainer.images.inside.tar_entry import FILE, LINK, SYMLINK, clean, shown
from ipycontainer.images.inside.tar_reader import BLOCK_SIZE, TarReader, check
from ipycontainer.images.inside.tar_sources import DescriptorSource, RegionSource
from ipycontainer.oci.document import LIMIT, Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_MOST_MEMBERS = 200_000


class Members:
    """The members of the archive behind `descriptor`; spool: the folder for what has to be written down first."""

    def __init__(self, descriptor: int, spool: str, what: str) -> None:
        self.what = what
        self._spooled = -1
        found = os.fstat(descriptor)
        if S_ISDIR(found.st_mode):
            raise ArchiveError(f"{what} is a folder; pack it with `tar -C FOLDER -cf FILE .` and load that")
        self._descriptor = descriptor
        self._offset = 0
        if S_ISREG(found.st_mode):
            self._offset = os.lseek(descriptor, 0, os.SEEK_CUR)
        if not S_ISREG(found.st_mode) or compression_of(os.pread(descriptor, 6, self._offset)):
            self._spool(spool)
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def _spool(self, folder: str) -> None:
        from tempfile import TemporaryFile

        with TemporaryFile(dir=folder) as file:
            for piece in plain(DescriptorSource(self._descriptor), self.what):
                if not file.tell() and len(piece) >= BLOCK_SIZE:
                    check(piece[:BLOCK_SIZE], self.what)  # before all of what is none fills the disk
                file.write(piece)
            file.flush()
            self._descriptor = self._spooled = os.dup(file.fileno())
            self._offset = 0

    def _read(self) -> None:
        reader = TarReader(RegionSource(self._descriptor, self._offset), self.what)
        for entry in reader:
            path = os.fsdecode(clean(entry.name))
            if entry.kind is FILE:
                if path in self._places:
                    raise ArchiveError(f"{shown(entry.name)!r} stands twice in {self.what}: one of them is a trick")
                self._places[path] = (self._offset + reader.position, entry.size)
            elif entry.kind is SYMLINK:
                self._links[path] = posixpath.join(posixpath.dirname(path), os.fsdecode(entry.link))
            elif entry.kind is LINK:
                self._links[path] = os.fsdecode(entry.link)
            if len(self._places) + len(self._links) > _MOST_MEMBERS:
                raise ArchiveError(f"{self.what} has more than {_MOST_MEMBERS} members; no archive of images has")

    def _place(self, path: str) -> tuple[int, int] | None:
        """Where `path` lies, through the links that docker saves for a layer that stands twice."""
        for _ in range(8):
            path = posixpath.normpath(path)
            if path in self._places:
                return self._places[path]
            if path not in self._links:
                return None
            path = self._links[path]
        return None

    def __contains__(self, path: str) -> bool:
        return self._place(path) is not None

    def __len__(self) -> int:
        return len(self._places)

    def open(self, path: str) -> RegionSource:
        """The content of the member `path` from its start."""
        place = self._place(path)
        if place is None:
            raise ArchiveError(f"{path!r} is missing from {self.what}; save the image again")
        return RegionSource(self._descriptor, *place)

    def start(self, path: str) -> bytes:
        """The first bytes, by which a compression is known."""
        return self.open(path).read(6)

    def document(self, path: str, what: str) -> Document:
        """The member `path` as a document."""
        return Document(self.raw(path), what)

    def raw(self, path: str) -> bytes:
        """The bytes of a member that should be a document; one more than a document may have tells enough."""
        return self.open(path).read(LIMIT + 1)

    def list_document(self, path: str, name: str, what: str) -> Document:
        """A member that is a JSON list, as the field `name` of a document."""
        raw = self.raw(path)
        return Document(b'{"%b":%b}' % (name.encode(), raw), what)

    def close(self) -> None:
        """Let the spooled copy go."""
        if self._spooled >= 0:
            os.close(self._spooled)
            self._spooled = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
