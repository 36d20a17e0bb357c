"""Descriptors: what a document says of another blob (media type, digest, size)."""

from __future__ import annotations

from ipycontainer.errors import DocumentError
from ipycontainer.oci import platform as platforms
from ipycontainer.oci.digest import Digest
from ipycontainer.oci.digest import parse as parse_digest
from ipycontainer.oci.document import Node
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Descriptor(Record):
    """A pointer to a blob. platform: what an index says of it, or None."""

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = {}
    platform: platforms.Platform | None = None

    def as_json(self) -> dict[str, Any]:
        """The descriptor as a document writes it."""
        written: dict[str, Any] = {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}
        if self.platform is not None:
            written["platform"] = {name: value for name, value in self.platform.as_dict().items() if value}
        if self.annotations:
            written["annotations"] = dict(self.annotations)
        return written


def read(node: Node) -> Descriptor:
    """The descriptor at this place of a document."""
    digest = node.at("digest")
    try:
        checked = parse_digest(digest.text())
    except DocumentError as error:
        raise DocumentError(f"{node.what}: {digest.path}: {error}") from None
    size = node.at("size").integer()
    if size < 0:
        raise node.at("size").refuse("zero or more")
    return Descriptor(
        node.at("mediaType").text(""),
        checked,
        size,
        node.at("annotations").text_map(),
        platforms.read(node.at("platform")) if node.has("platform") else None,
    )
