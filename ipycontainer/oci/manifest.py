"""Image manifests: one config, the layers from the bottom up."""

from __future__ import annotations

from ipycontainer.errors import DocumentError
from ipycontainer.oci import media_types
from ipycontainer.oci.descriptor import Descriptor
from ipycontainer.oci.descriptor import read as read_descriptor
from ipycontainer.oci.document import Document
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_LAYERS = 500
"""What one overlay mount takes."""


class Manifest(Record):
    """A manifest's view; `document` holds the bytes."""

    document: Document
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = {}


def read(document: Document) -> Manifest:
    """The manifest that `document` is."""
    node = document.node
    media_type = node.at("mediaType").text("")
    version = node.at("schemaVersion").integer(0)
    if version == 1 or media_type in media_types.DOCKER_SCHEMA1:
        raise DocumentError(
            f"{document.what} has the retired schema 1, which nothing verifies;"
            " push the image again with a current docker, podman or skopeo"
        )
    if version != 2:
        raise node.at("schemaVersion").refuse("2")
    if media_type and media_type not in media_types.MANIFESTS:
        raise node.at("mediaType").refuse("that of an image manifest")
    if node.has("manifests"):
        # A document that reads as an index for one program and as an image for another is an old trick.
        raise DocumentError(f"{document.what} is a manifest and an index at once")
    layers = tuple(read_descriptor(item) for item in node.at("layers").items())
    if len(layers) > MOST_LAYERS:
        raise DocumentError(f"{document.what} has {len(layers)} layers; more than {MOST_LAYERS} cannot be mounted")
    return Manifest(
        document,
        media_type or media_types.OCI_MANIFEST,
        read_descriptor(node.at("config")),
        layers,
        node.at("annotations").text_map(),
    )


def build(config: Descriptor, layers: Sequence[Descriptor], annotations: Mapping[str, str] | None = None) -> Manifest:
    """A new OCI manifest; a layer that came under a media type of docker's is in it under OCI's for the same."""
    mapping = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": config.as_json(),
        "layers": [
            layer.replace(media_type=media_types.OCI_OF_DOCKER.get(layer.media_type, layer.media_type)).as_json()
            for layer in layers
        ],
    }
    if annotations:
        mapping["annotations"] = dict(annotations)
    return read(Document.build(mapping, "the manifest"))
