"""`docker save`'s own layout: `manifest.json` names a config, the layers' files and the names of each image."""

from __future__ import annotations

from ipycontainer.errors import ArchiveError, DigestMismatch, ImageNameError
from ipycontainer.images.archives.found import Found
from ipycontainer.images.archives.members import Members
from ipycontainer.images.decompress import PIECE, compression_of, plain
from ipycontainer.images.ingest import Incoming
from ipycontainer.oci import image_config, media_types
from ipycontainer.oci.digest import Digest, is_digest
from ipycontainer.oci.document import Document, Node
from ipycontainer.oci.reference import Reference, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "manifest.json"


def images(members: Members) -> Iterator[Found]:
    """The images of an archive in docker's layout."""
    document = members.list_document(MANIFEST, "images", f"manifest.json of {members.what}")
    for entry in document.node.at("images").items():
        config_path = entry.at("Config").text()
        config = image_config.read(_config(members, config_path))
        paths = entry.at("Layers").texts()
        # With fewer or more, `take_layers` says what is wrong.
        known = [*config.diff_ids, *[None] * len(paths)]
        incoming = [_layer(members, path, diff_id) for path, diff_id in zip(paths, known)]
        yield Found(config, tuple(incoming), names_of(entry))


def names_of(entry: Node) -> tuple[Reference, ...]:
    """The names that an entry of manifest.json gives its image."""
    found = []
    for text in entry.at("RepoTags").texts():
        try:
            name = normalise(text)
        except ImageNameError as error:
            raise ImageNameError(f"{entry.what} gives an image a name that cannot be: {error}") from None
        if name.digest:
            raise ImageNameError(
                f"{entry.what} gives an image the name {text!r}, but a digest names itself; save it again under a tag"
            )
        found.append(name)
    return tuple(found)


def names_by_config(members: Members) -> dict[str, tuple[Reference, ...]]:
    """config's digest -> names, where manifest.json stands beside an OCI layout."""
    if MANIFEST not in members:
        return {}
    document = members.list_document(MANIFEST, "images", f"manifest.json of {members.what}")
    found = {}
    for entry in document.node.at("images").items():
        digest = "sha256:" + entry.at("Config").text().rpartition("/")[2].removesuffix(".json")
        if is_digest(digest):
            found[digest] = names_of(entry)
    return found


def _config(members: Members, path: str) -> Document:
    document = members.document(path, f"the config {path} in {members.what}")
    named = "sha256:" + path.rpartition("/")[2].removesuffix(".json")
    if is_digest(named) and document.digest != named:
        raise DigestMismatch(f"{document.what} is damaged: its digest is {document.digest}; save the image again")
    return document


def _layer(members: Members, path: str, diff_id: Digest | None) -> Incoming:
    what = f"the layer {path} in {members.what}"
    if path not in members:
        raise ArchiveError(f"{what} is missing; save the image again")
    kind = compression_of(members.start(path))
    if kind in ("xz", "bzip2"):  # no media type says so; kept plain
        return Incoming(lambda: Pieces(plain(members.open(path), what)), diff_id, -1, media_types.layer(), what)
    # A plain layer's digest is its diff id: if the store has it already, nothing is read again.
    digest = None if kind else diff_id
    return Incoming(lambda: members.open(path), digest, -1, media_types.layer(kind), what)


class Pieces:
    """An iterator of pieces, read like a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, most: int = PIECE, /) -> bytes:
        """Up to `most` bytes; none at the end."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
        data, self._rest = self._rest[:most], self._rest[most:]
        return data
