"""`save`: images as one archive that docker, podman, skopeo and any OCI tool read; the same twice, bit for bit.

It holds an OCI image layout and, beside it, docker's manifest.json, which names
the same blobs: nothing stands in it twice, and a pulled layer leaves as it came.
"""

from __future__ import annotations

import os

from ipycontainer.errors import StoreError
from ipycontainer.images.archives.docker import MANIFEST
from ipycontainer.images.archives.oci import INDEX, LAYOUT
from ipycontainer.images.inside.tar_entry import DIRECTORY, FILE, Entry
from ipycontainer.images.inside.tar_writer import END, header, padding
from ipycontainer.json_text import dumps
from ipycontainer.oci import index as indexes
from ipycontainer.oci.descriptor import Descriptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ipycontainer.images.layout import Layout
    from ipycontainer.images.records import ImageRecord
    from ipycontainer.oci.digest import Digest
    from ipycontainer.oci.reference import Reference

    # An image, and the names it shall have in the archive.
    Chosen = tuple[ImageRecord, tuple[Reference, ...]]

_PIECE = 1024 * 1024


def save(layout: Layout, images: Sequence[Chosen]) -> Iterator[bytes]:
    """The archive in pieces.  Raises StoreError where a blob is missing, before the first piece is given."""
    blobs: dict[Digest, int] = {}
    for image, _names in images:
        for descriptor in (_descriptor(image), image.manifest.config, *image.manifest.layers):
            blobs[descriptor.digest] = _size(layout, descriptor)
    documents = {
        LAYOUT: dumps({"imageLayoutVersion": "1.0.0"}),
        INDEX: dumps(_index(images)),
        MANIFEST: dumps(_manifest_list(images)),
    }
    return _pieces(layout, documents, dict(sorted(blobs.items())))


def path_of(digest: Digest) -> str:
    """Where a blob lies in the layout."""
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _descriptor(image: ImageRecord) -> Descriptor:
    manifest = image.manifest
    return Descriptor(manifest.media_type, manifest.document.digest, manifest.document.size)


def _size(layout: Layout, descriptor: Descriptor) -> int:
    try:
        size = os.stat(layout.blob_path(descriptor.digest)).st_size
    except FileNotFoundError:
        raise StoreError(
            f"the blob {descriptor.digest} is missing from the store {layout.folder}; pull or load the image again"
        ) from None
    if size != descriptor.size:
        raise StoreError(
            f"the blob {descriptor.digest} has {size} bytes instead of {descriptor.size};"
            " `system check --repair` removes what is damaged"
        )
    return size


def _index(images: Sequence[Chosen]) -> dict[str, object]:
    entries = []
    for image, names in images:
        described = _descriptor(image).replace(platform=image.config.platform)
        for name in names or (None,):
            annotations = {indexes.IMAGE_NAME: str(name), indexes.REF_NAME: name.familiar} if name else {}
            entries.append(described.replace(annotations=annotations).as_json())
    return indexes.build(()).document.mapping() | {"manifests": entries}


def _manifest_list(images: Sequence[Chosen]) -> list[dict[str, object]]:
    return [
        {
            "Config": path_of(image.manifest.config.digest),
            "RepoTags": [name.familiar for name in names] or None,
            "Layers": [path_of(layer.digest) for layer in image.manifest.layers],
        }
        for image, names in images
    ]


def _pieces(layout: Layout, documents: dict[str, str], blobs: dict[Digest, int]) -> Iterator[bytes]:
    # Documents first: whoever reads from a pipe then knows what the blobs are before they come.
    for path, text in documents.items():
        raw = text.encode()
        yield _header(path, len(raw)) + raw + padding(len(raw))
    folders = {"blobs", *(f"blobs/{digest.algorithm}" for digest in blobs)}
    yield b"".join(header(Entry(path.encode(), DIRECTORY, 0o755)) for path in sorted(folders))
    for digest, size in blobs.items():
        yield _header(path_of(digest), size)
        yield from content(layout, digest, size)
        yield padding(size)
    yield END


def _header(path: str, size: int) -> bytes:
    return header(Entry(path.encode(), FILE, 0o644, size))


def content(layout: Layout, digest: Digest, size: int, start: int = 0) -> Iterator[bytes]:
    """The blob's bytes from `start` on, exactly up to `size`."""
    descriptor = layout.open_blob(digest)
    try:
        at = start
        while at < size:
            data = os.pread(descriptor, min(_PIECE, size - at), at)
            if not data:
                raise StoreError(f"the blob {digest} became shorter while it was read")
            at += len(data)
            yield data
    finally:
        os.close(descriptor)
