"""An OCI image layout on disk: `oci-layout`, `index.json`, `blobs/sha256/…`.

Other programs read it as it lies (`skopeo inspect oci:ROOT/images:base:latest`).
A blob appears under its digest only when it is whole, checked and on disk; the names
of an image's blobs are made durable together, and then the index changes: under one
lock, by rename, and last.
"""

from __future__ import annotations

import fcntl
import os
from errno import EACCES, EDQUOT, ENOSPC, EROFS

from ipycontainer.errors import StoreError, StoreUnwritable
from ipycontainer.oci.digest import Digest, Verifier, verify
from ipycontainer.oci.document import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Self

_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_EMPTY_INDEX = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
_UNWRITABLE = (ENOSPC, EDQUOT, EROFS, EACCES)


class Lock:
    """A flock on a file, held in a `with`.  shared=True lets others share it, wait=False raises BlockingIOError."""

    def __init__(self, path: str, shared: bool = False, wait: bool = True) -> None:
        self._path = path
        self._how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in _UNWRITABLE:
                raise
            raise StoreUnwritable(
                f"cannot write the store, whose lock is {self._path}: {error.strerror};"
                " choose another with --root or IPYCONTAINER_ROOT, or make this one writable"
            ) from None
        try:
            fcntl.flock(self._descriptor, self._how)
        except BaseException:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


class writing:
    """In a `with`: a disk that is full or may not be written becomes a sentence about the store at `root`."""

    def __init__(self, root: str) -> None:
        self._root = root

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            raise StoreUnwritable(
                f"cannot write the store {self._root}: {error.strerror}; nothing of this image was kept:"
                " remove images with `rmi`, or choose another place with IPYCONTAINER_ROOT"
            ) from None


class Layout:
    """The layout in `folder`."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.index_path = os.path.join(folder, "index.json")

    def prepare(self) -> None:
        """Make an empty layout where there is none."""
        if os.path.exists(self.index_path):
            return
        try:
            for name in ("", "blobs", "blobs/sha256", "ingest"):
                os.makedirs(os.path.join(self.folder, name), 0o700, exist_ok=True)
            from ipycontainer.linux.durability import write_file

            with self.lock():
                if not os.path.exists(self.index_path):
                    write_file(os.path.join(self.folder, "oci-layout"), [_LAYOUT])
                    write_file(self.index_path, [_EMPTY_INDEX])
        except OSError as error:
            raise StoreUnwritable(
                f"cannot write the image store {self.folder}: {error.strerror};"
                " choose another with --root or IPYCONTAINER_ROOT, or make this one writable"
            ) from None

    def lock(self) -> Lock:
        """The one lock under which the index changes."""
        return Lock(os.path.join(self.folder, "lock"))

    def stamp(self) -> list[int]:
        """What changes whenever the index does: an edit renames a new file into place."""
        try:
            found = os.stat(self.index_path)
        except FileNotFoundError:
            return []
        return [found.st_ino, found.st_mtime_ns, found.st_size]

    def index(self) -> Document:
        """The index as it is now."""
        try:
            with open(self.index_path, "rb") as file:
                return Document(file.read(), "the store's index.json")
        except FileNotFoundError:
            return Document(_EMPTY_INDEX, "the store's index.json")

    def change(self, edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """Replace the index's list of manifests by what `edit` makes of it."""

        def patch(mapping: dict[str, Any]) -> None:
            mapping["manifests"] = edit(mapping.get("manifests") or [])

        from ipycontainer.linux.durability import write_file

        with self.lock():
            write_file(self.index_path, [self.index().patched(patch).raw])

    def blob_path(self, digest: Digest) -> str:
        """Where the blob of this digest lies, if it is there."""
        return os.path.join(self.folder, "blobs", digest.algorithm, digest.hex)

    def has(self, digest: Digest) -> bool:
        """Whether the blob is there (and so whole)."""
        return os.path.exists(self.blob_path(digest))

    def open_blob(self, digest: Digest) -> int:
        """A descriptor for reading the blob."""
        try:
            return os.open(self.blob_path(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise StoreError(
                f"the blob {digest} is missing from the store {self.folder}; load the image again"
            ) from None

    def read_document(self, digest: Digest, what: str) -> Document:
        """The JSON blob of this digest, checked against it."""
        descriptor = self.open_blob(digest)
        with open(descriptor, "rb") as file:
            # One byte more than Document allows is enough for it to refuse.
            raw = file.read(4 * 1024 * 1024 + 1)
        verify(raw, digest, what)
        return Document(raw, what)

    def put_document(self, document: Document, digest: Digest | None = None) -> Digest:
        """Keep a document as a blob; gives its digest.  Its name is not durable before sync_names.

        digest: under which others look for it, where that need not be its sha256.
        """
        from ipycontainer.linux.durability import place_file

        if digest is None:
            digest = document.digest
        else:
            verify(document.raw, digest, document.what)
        if not self.has(digest):
            os.makedirs(os.path.dirname(self.blob_path(digest)), 0o700, exist_ok=True)
            place_file(self.blob_path(digest), [document.raw])
        return digest

    def sync_names(self, digests: Iterable[Digest]) -> None:
        """The names of these blobs are durable, whoever put them there: from here on the index may speak of them."""
        from ipycontainer.linux.durability import sync_folder

        for folder in sorted({os.path.dirname(self.blob_path(digest)) for digest in digests}):
            sync_folder(folder)

    def new_blob(self, digest: Digest | None = None, size: int = -1, what: str = "the blob") -> BlobWriter:
        """A blob that is still being written; digest and size are what was promised, if anything was."""
        return BlobWriter(self, Verifier(digest, size, what))


class BlobWriter:
    """A blob on its way in: a temporary file, locked while its writer lives."""

    def __init__(self, layout: Layout, verifier: Verifier) -> None:
        self._layout = layout
        self._verifier = verifier
        self._path = os.path.join(layout.folder, "ingest", f"new-{os.getpid()}-{os.urandom(6).hex()}")
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def write(self, data: bytes | memoryview) -> None:
        """Take the next piece."""
        self._verifier.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self.descriptor, view) :]

    def finish(self) -> Digest:
        """Check, make the content durable, and give the blob its name (see Layout.sync_names)."""
        digest = self._verifier.finish()
        os.fsync(self.descriptor)
        path = self._layout.blob_path(digest)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        os.rename(self._path, path)
        return digest

    @property
    def size(self) -> int:
        """How many bytes have been written."""
        return self._verifier.count

    def close(self) -> None:
        """Let go; what was not finished is gone."""
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
