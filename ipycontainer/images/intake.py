"""A layer that is made here comes in: a plain tar becomes a compressed blob and a tree, in one pass."""

from __future__ import annotations

from ipycontainer.images.decompress import gzip_compressor
from ipycontainer.images.layers import LayerRecord, Layers
from ipycontainer.images.layout import BlobWriter, Layout
from ipycontainer.oci import media_types
from ipycontainer.oci.descriptor import Descriptor
from ipycontainer.oci.digest import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def take_plain(
    layout: Layout, layers: Layers, pieces: Iterable[bytes], what: str, meanwhile: Callable[[], object]
) -> tuple[Descriptor, LayerRecord]:
    """The layer whose plain tar is `pieces`: its descriptor and what became of it.  meanwhile: as for `feed`."""
    with layout.new_blob(what=what) as blob:
        record = layers.add(None, _compressed(pieces, blob), what, meanwhile)
        digest = blob.finish()
        layers.note(Digest(record.diff_id), digest)
        return Descriptor(media_types.layer("gzip"), digest, blob.size), record


def _compressed(pieces: Iterable[bytes], blob: BlobWriter) -> Iterator[bytes]:
    compressor = gzip_compressor()
    for piece in pieces:
        yield piece  # first, so that the job unpacks it meanwhile
        blob.write(compressor.compress(piece))
    blob.write(compressor.flush())
