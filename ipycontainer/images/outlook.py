"""What a run of an image would use, found out without making anything."""

from __future__ import annotations

import os

from ipycontainer.errors import NoSuchImage
from ipycontainer.images.records import LaunchRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.images.store import Store


def outlook(store: Store, name: str) -> LaunchRecord:
    """The image `name` as a run would find it; `base` as it would be made.  Raises NoSuchImage."""
    image = store.find(name)
    layers = os.path.join(store.root, "layers")
    if image is not None:
        trees = [f"{layers}/{diff_id.hex}/tree" for diff_id in dict.fromkeys(reversed(image.config.diff_ids))]
        return LaunchRecord(
            image.id, store.shown_name(name, image), tuple(trees), dict(image.config.settings), image.of_another_machine
        )
    if not store.is_base(name):
        raise NoSuchImage(f"Unable to find image '{name}' locally: bring it with `pull`, and it can be explained")
    from ipycontainer.images.base.build import NAME, SETTINGS

    # Not made yet, and an explanation makes nothing: its two layers by what will be in them.
    return LaunchRecord("", NAME, (f"{layers}/PYTHON/tree", f"{layers}/SHELL/tree"), SETTINGS)
