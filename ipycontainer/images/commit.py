"""Images made here from a tar: a container's changes over its image (`commit`), or a whole tree (`import`)."""

from __future__ import annotations

import time

from ipycontainer.images.ingest import add_image
from ipycontainer.images.intake import take_plain
from ipycontainer.images.layout import writing
from ipycontainer.oci import image_config, platform
from ipycontainer.oci.digest import Digest
from ipycontainer.oci.reference import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ipycontainer.images.records import ImageRecord
    from ipycontainer.images.store import Store


def make_image(
    store: Store,
    pieces: Iterable[bytes],
    settings: Mapping[str, Any],
    step: Mapping[str, Any],
    names: Sequence[Reference],
    base: ImageRecord | None = None,
    what: str = "the layer",
    made_for: platform.Platform | None = None,
) -> str:
    """A new image with one layer more than `base`: the plain tar in `pieces`; gives its id.

    settings: docker's Config; step: what its history says of this layer (created_by, author, comment);
    made_for: its platform, where there is no base to have one (None: this machine's).
    """
    whole, part = divmod(time.time_ns(), 10**9)
    # To the nanosecond, as docker's: two images of one second are two, and one of them is the older.
    created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{part:09d}Z"
    with store.loading(), writing(store.root):
        layers = store.layers
        descriptor, record = take_plain(store.layout, layers, pieces, what)
        history = [*(base.config.history if base else ()), {"created": created, **_said(step)}]
        config = image_config.build(
            settings,
            [*(base.config.diff_ids if base else ()), Digest(record.diff_id)],
            created,
            history,
            base.config.platform if base else made_for or platform.host(),
            str(step.get("author", "")),
        )
        add_image(store.layout, config, [*(base.manifest.layers if base else ()), descriptor], names)
    return str(config.document.digest)


def _said(step: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if value}
