"""`rmi`: names go, and with the last one the image and what only it used; docker's rules and lines."""

from __future__ import annotations

from ipycontainer.errors import Conflict, ImageInUse, NoSuchImage
from ipycontainer.images.ingest import add_names, know, name_of, nameless, note_digest, repo_digests_of
from ipycontainer.images.records import ImageRecord
from ipycontainer.images.store import Store, full_tag
from ipycontainer.oci import reference as references
from ipycontainer.oci.descriptor import Descriptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    InUse = Callable[[], Iterable[str]]


def remove(store: Store, name: str, force: bool, in_use: InUse) -> list[str]:
    """Remove the name, or the image, that `name` means; gives docker's lines."""
    image = store.find(name)
    familiar = full_tag(name)
    if image is None:
        raise NoSuchImage(f"No such image: {familiar}; `ipycontainer images` shows what is there")
    if "@" in name:
        return _remove_digest(store, image, name, force, in_use)
    by_name = familiar in image.names
    forgotten = _digests_of_last_tag(image, familiar) if by_name else []
    said = [f"Untagged: {known}" for known in forgotten]
    if by_name and len(image.names) > 1:
        _untag(store, image, (familiar,), forgotten=forgotten)
        return [f"Untagged: {familiar}", *said]
    if len(image.names) > 1 and not force:
        raise Conflict(
            f"conflict: unable to delete {image.short_id} (must be forced) - image is referenced in several"
            f" repositories: {', '.join(image.names)}; remove the names one by one, or use --force (force=True)"
        )
    untagged = [f"Untagged: {known}" for known in image.names]
    if image.id in in_use():
        _check_forced(image, name, force)
        _untag(store, image, image.names, keep=True, forgotten=forgotten)
        return [*untagged, *said]
    deleted = _deleted(store, image, in_use, image.repo_digests)
    return [*untagged, *(f"Untagged: {known}" for known in image.repo_digests if deleted), *deleted]


def _digests_of_last_tag(image: ImageRecord, familiar: str) -> list[str]:
    """What the repository of the tag `familiar` calls the image; nothing where another tag of it stays."""
    repository = references.parse(familiar).name
    if any(name != familiar and references.parse(name).name == repository for name in image.names):
        return []
    return [known for known in image.repo_digests if references.parse(known).name == repository]


def _remove_digest(store: Store, image: ImageRecord, name: str, force: bool, in_use: InUse) -> list[str]:
    """Remove what a registry calls the image; the image only where nothing else is left of its names."""
    known = references.parse(name).replace(tag="").familiar
    if known not in image.repo_digests:
        raise Conflict(
            f"conflict: the image {image.short_id} was never pulled or pushed as {known}; remove the names it has:"
            f" {', '.join(image.names)}"
        )
    if image.names or len(image.repo_digests) > 1:
        _forget(store, image, known)
    elif image.id in in_use():
        _check_forced(image, name, force)
        _forget(store, image, known)
    else:
        return [f"Untagged: {known}", *_deleted(store, image, in_use)]
    return [f"Untagged: {known}"]


def _check_forced(image: ImageRecord, name: str, force: bool) -> None:
    if not force:
        raise ImageInUse(
            f"conflict: unable to remove repository reference {name!r} (must force) - a container uses its"
            f" image {image.short_id}; remove the container first, or use --force (force=True) to take"
            " only the name away"
        )


def _deleted(store: Store, image: ImageRecord, in_use: InUse, left: tuple[str, ...] = ()) -> list[str]:
    """Take the image out of the index, and then what only it used off the disk.

    left: what registries call it, should it have to stay.
    """
    with store.loading():  # nobody collects before it is known whether it stays
        _untag(store, image, image.names)
        # Who makes a container writes it down, then looks at the index: either the image is gone there, or it is seen.
        if image.id in in_use():
            manifest = image.manifest
            described = Descriptor(manifest.media_type, manifest.document.digest, manifest.document.size)
            add_names(store.layout, described, [])
            for known in left:
                note_digest(store.layout, manifest.document.digest, known)
            return []
    return [f"Deleted: {image.id}", *(f"Deleted: {diff_id}" for diff_id in store.collect())]


def _forget(store: Store, image: ImageRecord, known: str) -> None:
    """The image is no more known under the digest `known`; its entries stay."""

    def edit(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for entry in entries:
            if entry["digest"] in image.digests:
                know(entry, [item for item in repo_digests_of(entry) if item != known])
        return entries

    store.layout.change(edit)


def _untag(
    store: Store, image: ImageRecord, names: tuple[str, ...], keep: bool = False, forgotten: Sequence[str] = ()
) -> None:
    """Take `names` away, and entries without one; keep=True leaves the image there without a name.

    What registries call it goes to an entry that stays, but for `forgotten`.
    """
    gone = {str(references.parse(known)) for known in names}

    def edit(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        own = [entry for entry in entries if entry["digest"] in image.digests]
        lost = [entry for entry in own if not name_of(entry) or name_of(entry) in gone]
        kept = [entry for entry in entries if entry not in lost]
        if keep and len(lost) == len(own):
            kept.append(nameless(own[0]))
        for entry in lost:
            others = [other for other in kept if other["digest"] == entry["digest"]]
            if others:
                known = [*repo_digests_of(others[0]), *repo_digests_of(entry)]
                know(others[0], [item for item in known if item not in forgotten])
        return kept

    store.layout.change(edit)
