"""`rmi`: names go, and with the last one the image and what only it used; docker's rules and lines."""

from __future__ import annotations

from ipycontainer.errors import Conflict, ImageInUse, NoSuchImage
from ipycontainer.images.ingest import know, name_of, nameless, repo_digests_of
from ipycontainer.images.records import ImageRecord
from ipycontainer.images.store import Store, full_tag
from ipycontainer.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def remove(store: Store, name: str, force: bool, in_use: frozenset[str]) -> list[str]:
    """Remove the name, or the image, that `name` means; gives docker's lines."""
    image = store.find(name)
    familiar = full_tag(name)
    if image is None:
        raise NoSuchImage(f"No such image: {familiar}; `ipycontainer images` shows what is there")
    if "@" in name:
        return _remove_digest(store, image, name, force, in_use)
    by_name = familiar in image.names
    if by_name and len(image.names) > 1:
        _untag(store, image, (familiar,))
        return [f"Untagged: {familiar}"]
    if len(image.names) > 1 and not force:
        raise Conflict(
            f"conflict: unable to delete {image.short_id} (must be forced) - image is referenced in several"
            f" repositories: {', '.join(image.names)}; remove the names one by one, or use --force"
        )
    untagged = [f"Untagged: {known}" for known in image.names]
    if image.id in in_use:
        _check_forced(image, name, force)
        _untag(store, image, image.names, keep=True)
        return untagged
    _untag(store, image, image.names)
    return [*untagged, *_deleted(store, image)]


def _remove_digest(store: Store, image: ImageRecord, name: str, force: bool, in_use: frozenset[str]) -> list[str]:
    """Remove what a registry calls the image; the image only where nothing else is left of its names."""
    known = references.parse(name).replace(tag="").familiar
    if known not in image.repo_digests:
        raise Conflict(
            f"conflict: the image {image.short_id} was never pulled or pushed as {known}; remove the names it has:"
            f" {', '.join(image.names)}"
        )
    if image.names or len(image.repo_digests) > 1:
        _forget(store, image, known)
    elif image.id in in_use:
        _check_forced(image, name, force)
        _forget(store, image, known)
    else:
        _untag(store, image, ())
        return [f"Untagged: {known}", *_deleted(store, image)]
    return [f"Untagged: {known}"]


def _check_forced(image: ImageRecord, name: str, force: bool) -> None:
    if not force:
        raise ImageInUse(
            f"conflict: unable to remove repository reference {name!r} (must force) - a container uses its"
            f" image {image.short_id}; remove the container first, or use --force to take only the name away"
        )


def _deleted(store: Store, image: ImageRecord) -> list[str]:
    return [f"Deleted: {image.id}", *(f"Deleted: {diff_id}" for diff_id in store.collect())]


def _forget(store: Store, image: ImageRecord, known: str) -> None:
    """The image is no more known under the digest `known`; its entries stay."""

    def edit(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for entry in entries:
            if entry["digest"] in image.digests:
                know(entry, [item for item in repo_digests_of(entry) if item != known])
        return entries

    store.layout.change(edit)


def _untag(store: Store, image: ImageRecord, names: tuple[str, ...], keep: bool = False) -> None:
    """Take `names` away, and entries without one; keep=True leaves the image there without a name."""
    gone = {str(references.parse(known)) for known in names}

    def edit(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        own = [entry for entry in entries if entry["digest"] in image.digests]
        lost = [entry for entry in own if not name_of(entry) or name_of(entry) in gone]
        kept = [entry for entry in entries if entry not in lost]
        if keep and len(lost) == len(own):
            kept.append(nameless(own[0]))
        return kept

    store.layout.change(edit)
