"""What images take of the disk, what they share counted once."""

from __future__ import annotations

import os

from ipycontainer.images.collect import mark
from ipycontainer.oci.digest import Digest
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.images.records import ImageRecord
    from ipycontainer.images.store import Store


class ImageUsage(Record):
    """size: bytes of its trees and blobs; shared: of those, what other images use too."""

    image: ImageRecord
    size: int
    shared: int

    @property
    def unique(self) -> int:
        """What would come free with it."""
        return self.size - self.shared


def usage(store: Store, images: Sequence[ImageRecord]) -> tuple[int, list[ImageUsage]]:
    """Bytes of all these images together, and of each."""
    parts = {image.id: _parts(store, image) for image in images}
    users: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for own in parts.values():
        sizes.update(own)
        for name in own:
            users[name] = users.get(name, 0) + 1
    found = []
    for image in images:
        own = parts[image.id]
        shared = sum(size for name, size in own.items() if users[name] > 1)
        found.append(ImageUsage(image, sum(own.values()), shared))
    return sum(sizes.values()), found


def _parts(store: Store, image: ImageRecord) -> dict[str, int]:
    """Name of each tree and blob -> its bytes."""
    layers = store.layers_for_reading()
    found = {}
    for diff_id in set(image.config.diff_ids):
        if layers.has(diff_id):
            found[f"tree {diff_id}"] = layers.record(diff_id).size
    blobs: set[Digest] = set()
    for digest in image.digests:
        mark(store.layout, Digest(digest), blobs)
    for blob in blobs:
        try:
            found[f"blob {blob}"] = os.stat(store.layout.blob_path(blob)).st_size
        except FileNotFoundError:
            continue
    return found
