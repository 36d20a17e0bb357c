"""`history`: the steps that an image's config tells of, with the bytes that each added."""

from __future__ import annotations

from ipycontainer.images.records import ImageRecord
from ipycontainer.oci.image_config import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.images.layers import Layers

_MISSING = "<missing>"


def history(image: ImageRecord, layers: Layers) -> list[dict[str, Any]]:
    """The steps, the newest first.  Layers that no step tells of are shown as steps that say nothing."""
    config = image.config
    sizes = [layers.record(diff_id).size if layers.has(diff_id) else 0 for diff_id in config.diff_ids]
    steps = list(config.history)
    told = sum(not step.get("empty_layer") for step in steps)
    steps = [{} for _ in range(len(sizes) - told)] + steps
    rows = []
    for step in steps:
        size = 0 if step.get("empty_layer") or not sizes else sizes.pop(0)
        rows.append(
            {
                "Id": _MISSING,
                "Created": seconds(str(step.get("created", ""))),
                "CreatedBy": str(step.get("created_by", "")),
                "Size": size,
                "Comment": str(step.get("comment", "")),
                "Tags": [],
            }
        )
    if rows:
        rows[-1].update(Id=image.id, Tags=list(image.names))
    return rows[::-1]
