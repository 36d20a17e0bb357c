"""`system check`: is all that the store says it has really there and what its digest promises; and what to do if not.

Damage is what an image needs and has not: a blob that is gone, short or
changed, a tree that is not whole.  What killed writers left is no damage; the
next load or pull removes it.
"""

from __future__ import annotations

import os
from functools import partial

from ipycontainer.errors import Error
from ipycontainer.images.collect import halves, mark
from ipycontainer.images.layers import is_locked
from ipycontainer.images.layout import Lock
from ipycontainer.oci.digest import Digest, Verifier, is_digest
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ipycontainer.images.store import Store

DAMAGED = "damaged"
LEFT = "left over"
_PIECE = 1024 * 1024


class Finding(Record):
    """kind: DAMAGED or LEFT; what: the sentence; blob, diff_id: what it is about, or ""; manifest: whose entry."""

    kind: str
    what: str
    blob: str = ""
    diff_id: str = ""
    manifest: str = ""


def check(store: Store) -> list[Finding]:
    """Everything that is not as it should be.  Reads every blob: a gigabyte takes about two seconds."""
    with store.loading():
        return list(_findings(store))


def repair(store: Store) -> list[str]:
    """Mend what can be mended; gives what was done.

    A tree is made again from its blob at its next use; a blob cannot be: its images lose their names here, and
    have to be pulled or loaded again.
    """
    done = []
    for finding in check(store):
        if finding.kind == LEFT:
            continue
        if finding.diff_id:
            store.layers.forget(Digest(finding.diff_id))
            done.append(f"{finding.what}: its tree was removed, and is made again at its next use")
        elif finding.manifest:
            store.layout.change(partial(_without, finding.manifest))
            if finding.blob and os.path.exists(store.layout.blob_path(Digest(finding.blob))):
                os.unlink(store.layout.blob_path(Digest(finding.blob)))
            done.append(f"{finding.what}: the image was taken out; pull or load it again")
    with Lock(os.path.join(store.layout.folder, "collect.lock")):
        store.collect_now()
    return done


def _without(digest: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry.get("digest") != digest]


def _findings(store: Store) -> Iterator[Finding]:
    layout = store.layout
    needed: set[Digest] = set()
    checked: dict[Digest, str] = {}
    diff_ids: set[Digest] = set()
    for entry in layout.index().mapping().get("manifests") or []:
        digest = str(entry.get("digest"))
        if not is_digest(digest):
            yield Finding(DAMAGED, f"the index names {digest!r}, which is no digest", manifest=digest)
            continue
        own: set[Digest] = set()
        try:
            mark(layout, Digest(digest), own)
            _manifest, config = store.read_image(Digest(digest))
        except Error as error:
            yield Finding(DAMAGED, str(error), digest, manifest=digest)
            continue
        for blob in sorted(own):
            if blob not in checked:
                checked[blob] = _wrong_with(store, blob)
            if checked[blob]:
                yield Finding(DAMAGED, f"the blob {blob} {checked[blob]}", blob, manifest=digest)
        needed |= own
        diff_ids |= set(config.diff_ids)
    yield from _trees(store, diff_ids)
    yield from _left_over(store, needed, diff_ids)


def _wrong_with(store: Store, blob: Digest) -> str:
    """What is wrong with the blob; "" for nothing."""
    verifier = Verifier(blob)
    try:
        with open(store.layout.blob_path(blob), "rb", buffering=0) as file:
            while data := file.read(_PIECE):
                verifier.update(data)
        verifier.finish()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except Error:
        return "is not what its digest promises"
    return ""


def _trees(store: Store, diff_ids: set[Digest]) -> Iterator[Finding]:
    layers = store.layers_for_reading()
    for diff_id in sorted(diff_ids):
        if not layers.has(diff_id):
            continue  # unpacked when it is first used
        try:
            record = layers.record(diff_id)
            if not os.path.isdir(os.path.join(layers.path(diff_id), "tree")):
                raise Error(f"the layer {diff_id} has no tree")
            if record.diff_id != diff_id:
                raise Error(f"the layer {diff_id} says that it is another")
        except Error as error:
            yield Finding(DAMAGED, str(error), diff_id=diff_id)


def _left_over(store: Store, needed: set[Digest], diff_ids: set[Digest]) -> Iterator[Finding]:
    layout = store.layout
    for name in _names(os.path.join(layout.folder, "ingest")):
        path = os.path.join(layout.folder, "ingest", name)
        if name.startswith("new-") and not is_locked(path):
            yield Finding(LEFT, f"{path}: a blob whose writer is gone")
    for algorithm in _names(os.path.join(layout.folder, "blobs")):
        for name in _names(os.path.join(layout.folder, "blobs", algorithm)):
            if f"{algorithm}:{name}" not in needed:
                yield Finding(LEFT, f"{layout.folder}/blobs/{algorithm}/{name}: a blob of no image")
    with layout.lock():
        left = halves(layout)
    for name in left:
        yield Finding(LEFT, f"{layout.folder}/{name}: an index whose writer is gone")
    layers = store.layers_for_reading().folder
    for name in _names(layers):
        path = os.path.join(layers, name)
        if name.startswith((".new-", ".gone-")):
            if not is_locked(path):
                yield Finding(LEFT, f"{path}: a tree whose maker is gone")
        elif len(name) in (64, 128) and not any(diff_id.hex == name for diff_id in diff_ids):
            yield Finding(LEFT, f"{path}: a tree of no image")


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
