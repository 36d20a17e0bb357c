"""Image indexes: several manifests, for platforms or, in an image layout, under names."""

from __future__ import annotations

from ipycontainer.errors import DocumentError
from ipycontainer.oci import media_types
from ipycontainer.oci.descriptor import Descriptor
from ipycontainer.oci.descriptor import read as read_descriptor
from ipycontainer.oci.document import Document
from ipycontainer.oci.platform import Platform, choose
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REF_NAME = "org.opencontainers.image.ref.name"
"""The annotation of the OCI layout: the name within the layout."""

IMAGE_NAME = "io.containerd.image.name"
"""The annotation that docker and containerd write: the full name."""

ATTESTATION = "vnd.docker.reference.type"


class Index(Record):
    """An index's view; `document` holds the bytes."""

    document: Document
    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = {}

    def for_platform(self, wanted: Platform) -> Descriptor:
        """The manifest for this platform; what is no image (an attestation) is passed over."""
        images = [entry for entry in self.manifests if ATTESTATION not in entry.annotations]
        return images[choose([entry.platform for entry in images], wanted, self.document.what)]


def read(document: Document) -> Index:
    """The index that `document` is."""
    node = document.node
    media_type = node.at("mediaType").text("")
    if node.at("schemaVersion").integer(0) != 2:
        raise node.at("schemaVersion").refuse("2")
    if media_type and media_type not in media_types.INDEXES:
        raise node.at("mediaType").refuse("that of an image index")
    if node.has("layers") or node.has("config"):
        raise DocumentError(f"{document.what} is a manifest and an index at once")
    return Index(
        document,
        media_type or media_types.OCI_INDEX,
        tuple(read_descriptor(item) for item in node.at("manifests").items()),
        node.at("annotations").text_map(),
    )


def build(manifests: Sequence[Descriptor]) -> Index:
    """A new OCI index."""
    mapping = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [entry.as_json() for entry in manifests],
    }
    return read(Document.build(mapping, "the index"))


def is_index(document: Document) -> bool:
    """Whether the document is an index rather than a manifest."""
    media_type = document.view.get("mediaType")
    return media_type in media_types.INDEXES or (media_type is None and "manifests" in document.view)
