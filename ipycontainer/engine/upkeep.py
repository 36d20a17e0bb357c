"""Keeping the store in order: what it takes, what nobody needs, what is damaged."""

from __future__ import annotations

import time

from ipycontainer.engine.selection import labelled
from ipycontainer.errors import Error, InputError
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine
    from ipycontainer.images.usage import ImageUsage
    from ipycontainer.images.verify import Finding


class Usage(Record):
    """Bytes on the disk.  images_size counts shared layers once; reclaimable: what unused images alone take."""

    images: tuple[ImageUsage, ...]
    used: frozenset[str]
    images_size: int
    images_reclaimable: int
    containers: tuple[tuple[Container, int], ...]

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
    return Usage(tuple(each), used, total, total - still, weights)


def _weight(container: Container) -> int:
    try:
        return container.trees().weight()
    except Error:
        return 0  # removed meanwhile


def prune_images(engine: Engine, all: bool = False, filters: Sequence[tuple[str, str]] = ()) -> tuple[list[str], int]:
    """Remove images without a name, or `all` that no container uses; docker's lines, and the bytes that came free."""
    from ipycontainer.images.usage import usage as of_images

    for key, value in filters:
        if key not in ("until", "label", "label!", "dangling"):
            raise InputError(f"invalid filter '{key}'; there are until, label and dangling")
        if key == "dangling" and value in ("false", "0"):
            all = True
    store = engine.store
    used = {str(container.config["image_id"]) for container in engine.containers(all=True)}
    images = store.list()
    before, _ = of_images(store, images)
    lines = []
    for image in images:
        if image.id in used or (image.names and not all) or not _fits(image.created, image.labels, filters):
            continue
        lines += engine.remove_image(image.id, force=True)
    if not lines:
        store.collect()
    after, _ = of_images(store, store.list())
    return lines, max(0, before - after)


def _fits(created: float, labels: dict[str, str], filters: Sequence[tuple[str, str]]) -> bool:
    for key, value in filters:
        if key == "until" and created > _moment(value):
            return False
        if key == "label" and not labelled(labels, value):
            return False
        if key == "label!" and labelled(labels, value):
            return False
    return True


def _moment(text: str) -> float:
    """A moment: seconds since the epoch, RFC 3339, or how long ago (`24h`)."""
    from ipycontainer.oci.image_config import seconds

    if text.isdecimal():
        return float(text)
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if text[-1:] in units and text[:-1].replace(".", "", 1).isdigit():
        return time.time() - float(text[:-1]) * units[text[-1]]
    found = seconds(text)
    if not found:
        raise InputError(f"invalid filter 'until={text}'; write 24h, or 2026-01-31T00:00:00Z")
    return found


def check(engine: Engine, repair: bool = False) -> tuple[list[Finding], list[str]]:
    """What is not as it should be in the store of images, and what was done about it."""
    from ipycontainer.images.verify import check as look
    from ipycontainer.images.verify import repair as mend

    done = mend(engine.store) if repair else []
    return look(engine.store), done
