"""The OCI image layout in an archive; docker since 25, podman, buildah, skopeo and buildx write it."""

from __future__ import annotations

from ipycontainer.errors import ArchiveError
from ipycontainer.images.archives import docker
from ipycontainer.images.archives.found import Found
from ipycontainer.images.archives.members import Members
from ipycontainer.images.ingest import Incoming, annotated_name
from ipycontainer.oci import image_config, index, manifest, media_types, platform
from ipycontainer.oci.descriptor import Descriptor
from ipycontainer.oci.digest import Digest, verify
from ipycontainer.oci.document import Document
from ipycontainer.oci.reference import Reference, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX = "index.json"
LAYOUT = "oci-layout"
_DEEPEST = 4


def images(members: Members) -> Iterator[Found]:
    """The images of an archive in OCI's layout; of those for several platforms the one for this machine."""
    version = members.document(LAYOUT, f"oci-layout of {members.what}").node.at("imageLayoutVersion")
    if not version.text().startswith("1."):
        raise version.refuse("1.0.0")
    named = docker.names_by_config(members)
    top = index.read(members.document(INDEX, f"index.json of {members.what}"))
    groups: dict[str, list[Descriptor]] = {}
    for entry in top.manifests:
        if index.ATTESTATION not in entry.annotations:
            groups.setdefault(annotated_name(entry.annotations), []).append(entry)
    for name, entries in groups.items():
        for entry in _for_this_machine(entries, members.what):
            found = _image(members, entry, name, named, _DEEPEST)
            if found is not None:
                yield found


def _for_this_machine(entries: list[Descriptor], what: str) -> list[Descriptor]:
    """One of several entries under one name that differ in their platform; else all of them."""
    platforms = [entry.platform for entry in entries]
    if len(entries) > 1 and None not in platforms and len({str(item) for item in platforms}) == len(entries):
        return [entries[platform.choose(platforms, platform.host(), what)]]
    return entries


def _image(
    members: Members, entry: Descriptor, name: str, named: dict[str, tuple[Reference, ...]], deepest: int
) -> Found | None:
    document = _blob(members, entry.digest, "the manifest")
    if index.is_index(document):
        if deepest == 0:
            raise ArchiveError(f"{members.what} has indexes within indexes; no image is that deep")
        chosen = index.read(document).for_platform(platform.host())
        return _image(members, chosen, name, named, deepest - 1)
    read = manifest.read(document)
    if not media_types.is_config(read.config.media_type):
        return None  # an artifact that is no image: a signature, a chart
    config = image_config.read(_blob(members, read.config.digest, "the config"))
    layers = tuple(_layer(members, layer) for layer in read.layers)
    names = (normalise(name),) if name else ()
    more = named.get(read.config.digest, ())
    return Found(config, layers, tuple(dict.fromkeys((*names, *more))), document)


def _path(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _blob(members: Members, digest: Digest, what: str) -> Document:
    what = f"{what} {digest.short} in {members.what}"
    raw = members.raw(_path(digest))
    verify(raw, digest, what)
    return Document(raw, what)


def _layer(members: Members, layer: Descriptor) -> Incoming:
    path = _path(layer.digest)
    what = f"the layer {layer.digest.short} in {members.what}"
    if path not in members:
        raise ArchiveError(f"{what} is missing; save the image again, for this machine's platform")
    return Incoming(lambda: members.open(path), layer.digest, layer.size, layer.media_type, what)
