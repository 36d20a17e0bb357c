"""Images made here from a tar: a container's changes over its image (`commit`), or a whole tree (`import`)."""

from __future__ import annotations

import time

from ipycontainer.images.intake import take_plain
from ipycontainer.images.layout import writing
from ipycontainer.images.records import ImageRecord
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from ipycontainer.images.layers import LayerRecord
    from ipycontainer.images.store import Store
    from ipycontainer.oci.descriptor import Descriptor
    from ipycontainer.oci.platform import Platform
    from ipycontainer.oci.reference import Reference


class About(Record):
    """What is to be said of an image beside its new layer.

    settings: docker's Config; step: what its history says of the layer (created_by, author, comment); base: what the
    layer lies on; made_for: its platform, where there is no base to have one (None: this machine's).
    """

    settings: Mapping[str, Any]
    step: Mapping[str, Any]
    base: ImageRecord | None = None
    made_for: Platform | None = None


def make_image(
    store: Store, pieces: Iterable[bytes], names: Sequence[Reference], what: str, about: Callable[[], About]
) -> ImageRecord:
    """A new image with one layer more than its base: the plain tar in `pieces`.

    about: is asked while the layer becomes durable, when there is nothing else to do here; what it raises takes the
    layer away again.
    """
    said: list[About] = []
    with store.loading(), writing(store.root):
        descriptor, layer = take_plain(store.layout, store.layers, pieces, what, lambda: said.append(about()))
        return _described(store, descriptor, layer, names, said[0])


def _described(
    store: Store, descriptor: Descriptor, layer: LayerRecord, names: Sequence[Reference], about: About
) -> ImageRecord:
    # Not above: looking for the base (`about`) loads these too, while the layer becomes durable.
    from ipycontainer.images.ingest import add_image
    from ipycontainer.oci import image_config, platform
    from ipycontainer.oci.digest import Digest

    whole, part = divmod(time.time_ns(), 10**9)
    # To the nanosecond, as docker's: two images of one second are two, and one of them is the older.
    created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{part:09d}Z"
    base = about.base
    below = base.config.diff_ids if base else ()
    config = image_config.build(
        about.settings,
        [*below, Digest(layer.diff_id)],
        created,
        [*(base.config.history if base else ()), {"created": created, **_said(about.step)}],
        base.config.platform if base else about.made_for or platform.host(),
        str(about.step.get("author", "")),
    )
    blobs = [*(base.manifest.layers if base else ()), descriptor]
    manifest = add_image(store.layout, store.layers, config, blobs, names)
    size = (base.size if base else 0) + (layer.size if layer.diff_id not in below else 0)
    id, digest = str(config.document.digest), str(manifest.document.digest)
    return ImageRecord(id, tuple(name.familiar for name in names), size, (digest,), manifest, config)


def _said(step: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if value}
