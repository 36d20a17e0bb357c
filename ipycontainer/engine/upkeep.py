"""Keeping the store in order: what it takes, what nobody needs, what is damaged."""

from __future__ import annotations

from ipycontainer.engine.prunes import check_filters, fits
from ipycontainer.errors import Error, ImageInUse, NoSuchImage
from ipycontainer.launcher import folders
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine
    from ipycontainer.engine.volume import Volume
    from ipycontainer.images.records import ImageRecord
    from ipycontainer.images.usage import ImageUsage
    from ipycontainer.images.verify import Finding


class Usage(Record):
    """Bytes on the disk.  images_size counts shared layers once; reclaimable: what unused images alone take.

    containers: each with what it wrote; volumes: each with what is in it, and how many containers use it.
    """

    images: tuple[ImageUsage, ...]
    used: frozenset[str]
    images_size: int
    images_reclaimable: int
    containers: tuple[tuple[Container, int], ...]
    volumes: tuple[tuple[Volume, int, int], ...] = ()

    @property
    def volumes_size(self) -> int:
        """What is in all volumes."""
        return sum(size for _, size, _ in self.volumes)

    @property
    def volumes_reclaimable(self) -> int:
        """What is in those that no container uses."""
        return sum(size for _, size, users in self.volumes if not users)

    @property
    def containers_size(self) -> int:
        """What all containers wrote."""
        return sum(size for _, size in self.containers)

    @property
    def containers_reclaimable(self) -> int:
        """What those wrote that do not run."""
        return sum(size for container, size in self.containers if not container.state().runs)


def usage(engine: Engine) -> Usage:
    """`system df`."""
    from ipycontainer.images.usage import usage as of_images

    store = engine.store
    images = store.list()
    containers = engine.containers(all=True)
    used = frozenset(str(container.config["image_id"]) for container in containers)
    total, each = of_images(store, images)
    still, _ = of_images(store, [image for image in images if image.id in used])
    weights = tuple((container, _weight(container)) for container in containers)
    return Usage(tuple(each), used, total, total - still, weights, tuple(_volumes(engine)))


def _volumes(engine: Engine) -> list[tuple[Volume, int, int]]:
    found = engine.volumes.list()
    users = engine.volumes.users([volume.name for volume in found])
    return [(volume, volume.size, len(users.get(volume.name, ()))) for volume in found]


def _weight(container: Container) -> int:
    try:
        return container.trees().weight(apparent=True)
    except Error:
        return 0  # removed meanwhile


def prune_images(engine: Engine, all: bool = False, filters: Sequence[tuple[str, str]] = ()) -> tuple[list[str], int]:
    """Remove images without a name, or `all` that no container uses; docker's lines, and the bytes that came free."""
    from ipycontainer.images.usage import usage as of_images

    check_filters(filters, ("until", "label", "label!", "dangling"))
    for key, value in filters:
        if key == "dangling" and value in ("false", "0"):
            all = True
    folders.prepare(engine.root)
    store = engine.store
    used = _in_use(engine)
    images = store.list()
    before, _ = of_images(store, images)
    lines = []
    for image in images:
        if image.id in used or (image.names and not all) or not fits(image.created, image.labels, filters):
            continue
        lines += _remove_unused(engine, image)
    if not lines:
        store.collect()
    after, _ = of_images(store, store.list())
    size = max(0, before - after)
    engine.journal.append("image", "prune", "", {"reclaimed": str(size)})
    return lines, size


def _in_use(engine: Engine) -> set[str]:
    return {identity for container in engine.containers(all=True) for identity in container.image_ids}


def _remove_unused(engine: Engine, image: ImageRecord) -> list[str]:
    """docker's lines; none where somebody was faster: who removed it, or made a container of it and keeps its names."""
    looks = 0

    def in_use() -> set[str]:
        nonlocal looks
        looks, found = looks + 1, _in_use(engine)
        if looks == 1 and image.id in found:  # nothing is changed so far; the second look comes after its names went
            raise ImageInUse(f"a container was made of the image {image.short_id} a moment ago")
        return found

    try:
        lines = engine.store.remove(image.id, True, in_use)
    except (ImageInUse, NoSuchImage):
        return []
    if not any(line.startswith("Deleted: ") for line in lines):
        _give_back(engine, image)
        return []
    engine.journal.append("image", "delete", image.id, {"name": image.id})
    return lines


def _give_back(engine: Engine, image: ImageRecord) -> None:
    """The names of an image that was taken into use as they went, but for those that mean another by now."""
    from ipycontainer.images.names import tag

    for name in image.names:
        if engine.store.find(name) is None:
            tag(engine.store, image.id, name)


def check(engine: Engine, repair: bool = False) -> tuple[list[Finding], list[str]]:
    """What is not as it should be in the store of images, and what was done about it."""
    from ipycontainer.images.verify import check as look
    from ipycontainer.images.verify import repair as mend

    done = mend(engine.store) if repair else []
    return look(engine.store), done
