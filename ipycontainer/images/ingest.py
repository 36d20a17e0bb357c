"""An image comes in: its blobs under their digests, its layers as trees, its name last."""

from __future__ import annotations

import os

from ipycontainer.errors import ArchiveError, DocumentError, ImageNameError
from ipycontainer.images.decompress import plain
from ipycontainer.images.layers import Layers
from ipycontainer.images.layout import BlobWriter, Layout
from ipycontainer.oci import index as indexes
from ipycontainer.oci import manifest as manifests
from ipycontainer.oci import media_types
from ipycontainer.oci.descriptor import Descriptor
from ipycontainer.oci.digest import Digest, Verifier
from ipycontainer.oci.image_config import ImageConfig
from ipycontainer.oci.manifest import Manifest
from ipycontainer.oci.reference import Reference, normalise
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol

    class Readable(Protocol):
        def read(self, most: int, /) -> bytes: ...


REPO_DIGESTS = "io.github.ipycontainer.repo-digests"
"""The annotation, in the index of the store, of the names with digests under which registries have an image."""


class Incoming(Record):
    """A layer on its way in.

    open: gives its bytes from the start; digest and size: what the manifest promises (None, -1: nothing).
    """

    open: Callable[[], Readable]
    digest: Digest | None = None
    size: int = -1
    media_type: str = ""
    what: str = "the layer"


def take_layers(layout: Layout, layers: Layers, incoming: Sequence[Incoming], config: ImageConfig) -> list[Descriptor]:
    """Take in all layers of an image, two at a time: one alone leaves a processor idle."""
    if len(incoming) != len(config.diff_ids):
        raise DocumentError(
            f"the image has {len(incoming)} layers, but its config names {len(config.diff_ids)} diff ids;"
            " the archive is damaged"
        )
    pairs = list(zip(incoming, config.diff_ids))
    if len(pairs) < 2:
        return [take_layer(layout, layers, item, diff_id) for item, diff_id in pairs]
    from concurrent.futures import ThreadPoolExecutor

    stop = _Stop()
    done: dict[tuple[str, str], Any] = {}
    with ThreadPoolExecutor(2) as pool:
        for item, diff_id in pairs:
            key = (str(item.digest), diff_id)
            if key not in done:  # the same layer may stand in an image more than once
                done[key] = pool.submit(take_layer, layout, layers, stop.before(item), diff_id)
        try:
            return [done[str(item.digest), diff_id].result() for item, diff_id in pairs]
        except BaseException:
            stop.now = True
            pool.shutdown(cancel_futures=True)
            raise


class _Stop:
    """Ends the threads that read layers, which nobody can interrupt from outside."""

    def __init__(self) -> None:
        self.now = False

    def before(self, item: Incoming) -> Incoming:
        """The layer, read only as long as nobody has said `now`."""
        return item.replace(open=lambda: _Stoppable(item.open(), self))


class _Stoppable:
    def __init__(self, stream: Readable, stop: _Stop) -> None:
        self._stream = stream
        self._stop = stop

    def read(self, most: int, /) -> bytes:
        if self._stop.now:
            raise ArchiveError("the loading was given up")
        return self._stream.read(most)


def take_layer(layout: Layout, layers: Layers, incoming: Incoming, diff_id: Digest) -> Descriptor:
    """Take in one layer: the blob as it came and the tree, in one pass over the bytes."""
    digest = incoming.digest
    if digest is not None and layout.has(digest):
        if not layers.has(diff_id):
            restore_tree(layout, layers, digest, diff_id)
        elif not layers.comes_from(diff_id, digest):
            # Each is here, but that one unpacks to the other is only promised.
            with open(layout.open_blob(digest), "rb", buffering=0) as file:
                _compare(file, diff_id, incoming.what)
            layers.note(diff_id, digest)
        size = os.stat(layout.blob_path(digest)).st_size
        return Descriptor(incoming.media_type or media_types.layer(), digest, size)
    with layout.new_blob(digest, incoming.size, incoming.what) as blob:
        tee = _Tee(incoming.open(), blob)
        if layers.has(diff_id):
            # The tree came from another blob: that this one unpacks to the same is only promised.
            _compare(tee, diff_id, incoming.what)
        else:
            layers.add(diff_id, plain(tee, incoming.what), incoming.what)
        digest = blob.finish()
        layers.note(diff_id, digest)
        size = blob.size
    return Descriptor(incoming.media_type or media_types.layer(), digest, size)


def restore_tree(layout: Layout, layers: Layers, digest: Digest, diff_id: Digest) -> None:
    """Make the tree again from its blob: another program put the image into the layout, or the tree was lost."""
    descriptor = layout.open_blob(digest)
    with open(descriptor, "rb", buffering=0) as file:
        layers.add(diff_id, plain(file), f"the layer {digest.short}")
    layers.note(diff_id, digest)


def _compare(stream: Readable, diff_id: Digest, what: str) -> None:
    verifier = Verifier(diff_id, what=what)
    for piece in plain(stream, what):
        verifier.update(piece)
    verifier.finish()


class _Tee:
    """Reads a stream; every byte also goes into the blob."""

    def __init__(self, stream: Readable, blob: BlobWriter) -> None:
        self._stream = stream
        self._blob = blob

    def read(self, most: int, /) -> bytes:
        data = self._stream.read(most)
        self._blob.write(data)
        return data


def add_image(
    layout: Layout,
    trees: Layers,
    config: ImageConfig,
    layers: Sequence[Descriptor],
    names: Sequence[Reference],
    raw_manifest: Any = None,
    known: str = "",
) -> Manifest:
    """Write the documents and, last, the index; gives the manifest.

    raw_manifest: the manifest as it came, if one did; known: `repository@digest` under which a registry has it.
    """
    if raw_manifest is None:
        described = Descriptor(media_types.OCI_CONFIG, config.document.digest, config.document.size)
        manifest = manifests.build(described, layers)
    else:
        manifest = manifests.read(raw_manifest)
    kept = [layout.put_document(config.document, manifest.config.digest), layout.put_document(manifest.document)]
    trees.sync_names()
    layout.sync_names([*kept, *(layer.digest for layer in layers)])
    described = Descriptor(manifest.media_type, manifest.document.digest, manifest.document.size)
    add_names(layout, described, names, known)
    return manifest


def add_names(layout: Layout, image: Descriptor, names: Sequence[Reference], known: str = "") -> None:
    """Give the image behind `image` these names; without any it is only made known.

    known: `repository@digest` under which a registry has it.
    """
    layout.change(lambda entries: _noted(_with_names(entries, image, names), image.digest, known))


def note_digest(layout: Layout, digest: Digest, known: str) -> None:
    """A registry has the image of the manifest `digest` under `known`."""
    layout.change(lambda entries: _noted(entries, digest, known))


def _noted(entries: list[dict[str, Any]], digest: Digest, known: str) -> list[dict[str, Any]]:
    """The entries, with `known` in the first one of this manifest; a repository has one digest of an image."""
    if not known:
        return entries
    repository = known.partition("@")[0]
    for entry in entries:
        if entry["digest"] == digest:
            others = [item for item in repo_digests_of(entry) if item.partition("@")[0] != repository]
            know(entry, [*others, known])
            break
    return entries


def know(entry: dict[str, Any], repo_digests: Sequence[str]) -> None:
    """Write down what registries call the image of this entry."""
    annotations = {key: value for key, value in (entry.get("annotations") or {}).items() if key != REPO_DIGESTS}
    if repo_digests:
        annotations[REPO_DIGESTS] = " ".join(dict.fromkeys(repo_digests))
    if annotations or "annotations" in entry:
        entry["annotations"] = annotations


def _with_names(entries: list[dict[str, Any]], image: Descriptor, names: Sequence[Reference]) -> list[dict[str, Any]]:
    """The index's entries after `image` got these names; whoever had one of them loses it."""
    wanted = {str(name): name for name in names}
    kept: list[dict[str, Any]] = []
    lost: list[dict[str, Any]] = []
    for entry in entries:
        name = name_of(entry)
        own = entry["digest"] == image.digest
        if own and name in wanted:
            del wanted[name]
        elif name in wanted or (own and not name and wanted):
            lost.append(entry)
            continue
        kept.append(entry)
    for reference in wanted.values():
        annotations = {indexes.REF_NAME: reference.familiar, indexes.IMAGE_NAME: str(reference)}
        kept.append(image.replace(annotations=annotations).as_json())
    if not names and not any(entry["digest"] == image.digest for entry in kept):
        kept.append(image.as_json())
    # Only now is it known who has a name left: an image may lose several at once.  Without any it stays, nameless,
    # for a container may run it.
    for entry in lost:
        others = [other for other in kept if other["digest"] == entry["digest"]]
        if others:
            know(others[0], [*repo_digests_of(others[0]), *repo_digests_of(entry)])
        else:
            kept.append(nameless(entry))
    return kept


def nameless(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry without a name; what registries call it stays known."""
    without = {key: value for key, value in entry.items() if key != "annotations"}
    known = (entry.get("annotations") or {}).get(REPO_DIGESTS)
    return {**without, "annotations": {REPO_DIGESTS: known}} if known else without


def name_of(entry: dict[str, Any]) -> str:
    """The full name of an index's entry; "" where it has none, or none that is a name of an image."""
    return annotated_name(entry.get("annotations") or {})


def annotated_name(annotations: Mapping[str, Any]) -> str:
    """The full name that a layout's annotations give an image, or ""."""
    for key in (indexes.IMAGE_NAME, indexes.REF_NAME):
        text = annotations.get(key)
        # The bare tag `latest` is what some write who know no name.
        if isinstance(text, str) and text and text != "latest":
            try:
                found = normalise(text)
            except ImageNameError:
                continue
            # A digest names itself: who only writes one down has not shown that it is this image's.
            if not found.digest:
                return str(found)
    return ""


def repo_digests_of(entry: dict[str, Any]) -> list[str]:
    """`repository@digest`, as often as registries are known to have the image of this entry."""
    text = (entry.get("annotations") or {}).get(REPO_DIGESTS)
    return [item for item in text.split(" ") if item] if isinstance(text, str) else []
