"""Removing what no image uses: blobs, trees, launch files, what killed writers left."""

from __future__ import annotations

import os

from ipycontainer.images.layers import Layers, is_locked
from ipycontainer.images.layout import Layout
from ipycontainer.images.records import ImageRecord
from ipycontainer.oci import index, manifest
from ipycontainer.oci.digest import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def collect(layout: Layout, layers: Layers, images: Sequence[ImageRecord]) -> list[str]:
    """Remove all that `images` do not use; gives the diff ids of the layers that went.

    The caller keeps others from bringing images in meanwhile.
    """
    blobs: set[Digest] = set()
    diff_ids: set[Digest] = set()
    for image in images:
        for digest in image.digests:
            mark(layout, Digest(digest), blobs)
        diff_ids |= set(image.config.diff_ids)
    gone = layers.discard(diff_ids)
    layers.sweep()
    _remove_blobs(layout, blobs)
    _remove_halves(layout)
    return [str(diff_id) for diff_id in gone]


def mark(layout: Layout, digest: Digest, found: set[Digest]) -> None:
    """Add a manifest or index and all that it names, further manifests included."""
    if digest in found or not layout.has(digest):
        return
    found.add(digest)
    document = layout.read_document(digest, f"the manifest {digest.short}")
    if index.is_index(document):
        for entry in index.read(document).manifests:
            mark(layout, entry.digest, found)
        return
    read = manifest.read(document)
    found.add(read.config.digest)
    found.update(layer.digest for layer in read.layers)


def halves(layout: Layout) -> list[str]:
    """Files that whoever wrote the index was killed over: they never got its name."""
    return [name for name in os.listdir(layout.folder) if name.startswith(("index.json.new-", "oci-layout.new-"))]


def _remove_halves(layout: Layout) -> None:
    with layout.lock():  # whoever writes the index now holds it
        for name in halves(layout):
            os.unlink(os.path.join(layout.folder, name))


def _remove_blobs(layout: Layout, keep: set[Digest]) -> None:
    blobs = os.path.join(layout.folder, "blobs")
    for algorithm in os.listdir(blobs):
        for name in os.listdir(os.path.join(blobs, algorithm)):
            if Digest(f"{algorithm}:{name}") not in keep:
                os.unlink(os.path.join(blobs, algorithm, name))
    for folder in ("ingest", "launch"):
        path = os.path.join(layout.folder, folder)
        if os.path.isdir(path):
            for name in os.listdir(path):
                if not is_locked(os.path.join(path, name)):
                    os.unlink(os.path.join(path, name))
