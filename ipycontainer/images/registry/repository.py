"""One repository of a registry: its manifests, blobs and tags."""

from __future__ import annotations

from urllib.parse import quote

from ipycontainer.errors import DigestMismatch, DocumentError, RegistryError
from ipycontainer.images.registry.client import Client
from ipycontainer.oci import image_config, index, manifest, media_types, platform
from ipycontainer.oci.digest import Digest, is_digest, verify
from ipycontainer.oci.document import LIMIT, Document
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.images.layout import Layout
    from ipycontainer.oci.descriptor import Descriptor
    from ipycontainer.oci.image_config import ImageConfig
    from ipycontainer.oci.manifest import Manifest

_ACCEPT = ", ".join((*media_types.MANIFESTS, *media_types.INDEXES))
_MOST_PAGES = 1000
_MOST_BYTES, _OVERHEAD = 64 * 1024 * 1024, 64  # of a list, all pages together; what an item costs beside its text


class Resolved(Record):
    """An image as the registry has it.  digest: of what the tag names, which may be an index."""

    digest: Digest
    manifest: Manifest
    config: ImageConfig


class Repository:
    """The repository `path` at the registry that `client` speaks to."""

    def __init__(self, client: Client, path: str) -> None:
        self.client = client
        self.path = path
        self.scope = f"repository:{path}:pull"

    def resolve(self, reference: str, wanted: platform.Platform, layout: Layout, what: str) -> Resolved:
        """The image behind a tag or a digest, for this platform."""
        digest, document = self.document(reference, what, layout)
        if index.is_index(document):
            chosen = index.read(document).for_platform(wanted)
            document = self.document(chosen.digest, f"the manifest of {what} for {wanted}", layout)[1]
            if index.is_index(document):
                raise DocumentError(f"{document.what} is one more index; no image is that deep")
        found = manifest.read(document)
        if not media_types.is_config(found.config.media_type):
            raise DocumentError(f"{what} is no image but an artifact: {found.config.media_type[:120]!r}")
        config = image_config.read(self._config(found.config, layout, what))
        if len(config.diff_ids) != len(found.layers):
            raise DocumentError(
                f"{what} has {len(found.layers)} layers, but its config names {len(config.diff_ids)} diff ids"
            )
        return Resolved(digest, found, config)

    def document(self, reference: str, what: str, layout: Layout | None = None) -> tuple[Digest, Document]:
        """A manifest or an index, with its digest; from the store where that has it by its digest."""
        if is_digest(reference) and layout is not None and layout.has(Digest(reference)):
            return Digest(reference), layout.read_document(Digest(reference), what)
        url = f"/v2/{quote(self.path)}/manifests/{quote(reference, safe=':')}"
        answer = self.client.request("GET", url, scope=self.scope, headers={"Accept": _ACCEPT})
        if answer.header("Content-Type").partition(";")[0].strip() in media_types.DOCKER_SCHEMA1:
            answer.close()
            raise DocumentError(
                f"{what} has the retired schema 1, which nothing verifies; push it again with a current program"
            )
        raw = answer.whole(LIMIT, what)
        document = Document(raw, what)
        promised = answer.header("Docker-Content-Digest")
        if is_digest(reference):
            promised = reference
        if promised and is_digest(promised):
            verify(raw, Digest(promised), what)
            return Digest(promised), document
        return document.digest, document

    def _config(self, described: Descriptor, layout: Layout, what: str) -> Document:
        what = f"the config of {what}"
        if layout.has(described.digest):
            return layout.read_document(described.digest, what)
        if described.size > LIMIT:
            raise DocumentError(f"{what} has {described.size} bytes; documents of more than {LIMIT} are refused")
        answer = self.client.request("GET", self.blob_url(described.digest), scope=self.scope)
        raw = answer.whole(LIMIT, what)
        if len(raw) != described.size:
            raise DigestMismatch(f"{what} has {len(raw)} of the {described.size} bytes that were promised")
        verify(raw, described.digest, what)
        return Document(raw, what)

    def blob_url(self, digest: Digest) -> str:
        """Where a blob is."""
        return f"/v2/{quote(self.path)}/blobs/{digest}"

    def tags(self) -> list[str]:
        """All tags."""
        return pages(self.client, f"/v2/{quote(self.path)}/tags/list", "tags", self.scope)


def pages(client: Client, url: str, field: str, scope: str) -> list[str]:
    """All items of a list that comes in pages, each naming the next by a Link header."""
    found: list[str] = []
    seen = {url}
    size = 0
    while len(seen) <= _MOST_PAGES and size <= _MOST_BYTES:
        document, answer = client.json(url, scope=scope)
        items = document.get(field) if isinstance(document, dict) else None
        for item in items if isinstance(items, list) else ():
            if isinstance(item, str) and item.isprintable():
                found.append(item)
                size += len(item) + _OVERHEAD
        link = answer.header("Link")
        if 'rel="next"' not in link or "<" not in link:
            return found
        url = link.partition("<")[2].partition(">")[0]
        if url in seen:
            break
        seen.add(url)
    raise RegistryError(f"{client.endpoint.origin.netloc} has a list that does not end")
