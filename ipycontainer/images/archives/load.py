"""`load`: which layout an archive has, and its images into the store."""

from __future__ import annotations

import os

from ipycontainer.errors import ArchiveError, NotFound
from ipycontainer.images.archives import docker, oci
from ipycontainer.images.archives.found import Found
from ipycontainer.images.archives.members import Members
from ipycontainer.images.ingest import add_image, take_layers
from ipycontainer.images.layers import Layers
from ipycontainer.images.layout import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def load(layout: Layout, layers: Layers, source: str | int) -> list[str]:
    """Load all images of the archive at the path, or behind the descriptor, `source`.

    Gives their names, or the id of one that has none, in the archive's order.
    """
    descriptor = source if isinstance(source, int) else _open(source)
    try:
        what = "the archive" if isinstance(source, int) else f"the archive {source}"
        with Members(descriptor, os.path.join(layout.folder, "ingest"), what) as members:
            found = _each_once(_images(members))
            if not found:
                raise ArchiveError(f"{what} holds no image for this machine")
            return [line for image in found for line in _take(layout, layers, image)]
    finally:
        if not isinstance(source, int):
            os.close(descriptor)


def _each_once(images: Iterator[Found]) -> list[Found]:
    """An image that stands under several names comes in once, with all of them."""
    found: dict[object, Found] = {}
    for image in images:
        key = image.manifest or image.config.document
        known = found.get(key, image)
        found[key] = known.replace(names=tuple(dict.fromkeys((*known.names, *image.names))))
    return list(found.values())


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(f"there is no archive {path}; `docker save -o FILE IMAGE` writes one") from None
    except OSError as error:
        raise ArchiveError(f"cannot read the archive {path}: {error.strerror}") from None


def _images(members: Members) -> Iterator[Found]:
    # The OCI layout first: its manifests keep their digests. Docker writes both side by side.
    if oci.LAYOUT in members and oci.INDEX in members:
        return oci.images(members)
    if docker.MANIFEST in members:
        return docker.images(members)
    if "repositories" in members:
        raise ArchiveError(f"{members.what} was saved by a docker before 1.10; save it again with a current one")
    raise ArchiveError(
        f"{members.what} is no archive of images: it has neither manifest.json nor index.json;"
        " `docker save`, `podman save` and `skopeo copy` write such archives"
    )


def _take(layout: Layout, layers: Layers, image: Found) -> list[str]:
    descriptors = take_layers(layout, layers, image.layers, image.config)
    add_image(layout, layers, image.config, descriptors, image.names, image.manifest)
    return [name.familiar for name in image.names] or [str(image.config.document.digest)]
