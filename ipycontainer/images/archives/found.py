"""An image that an archive was found to hold, before any of its layers has been read."""

from __future__ import annotations

from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.images.ingest import Incoming
    from ipycontainer.oci.document import Document
    from ipycontainer.oci.image_config import ImageConfig
    from ipycontainer.oci.reference import Reference


class Found(Record):
    """config, layers and names; manifest: the bytes as they came, where the archive has one."""

    config: ImageConfig
    layers: tuple[Incoming, ...]
    names: tuple[Reference, ...] = ()
    manifest: Document | None = None
