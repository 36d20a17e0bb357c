"""Names of images in the index: given, and looked up for what is to be saved or pushed."""

from __future__ import annotations

from ipycontainer.errors import ImageNameError
from ipycontainer.oci import reference as references
from ipycontainer.oci.reference import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.images.records import ImageRecord
    from ipycontainer.images.store import Store


def new_name(text: str) -> Reference:
    """`text` as a name that can be given: with a tag, and never one that ends in a digest."""
    reference = references.normalise(text)
    if reference.digest:
        raise ImageNameError(f"refusing to create a tag with a digest reference: {text!r}; a digest names itself")
    if reference.repository == "sha256":  # sha256:abc is an image's id, and no name any more
        raise ImageNameError("refusing to create an ambiguous tag using digest algorithm as name; choose another name")
    return reference


def tag(store: Store, source: str, target: str) -> tuple[ImageRecord, Reference]:
    """Give the image `source` the name `target` too; whoever had it loses it."""
    # Not above: a commit asks for `new_name` before anything else, and loads these while it waits for its layer.
    from ipycontainer.images.ingest import add_names
    from ipycontainer.oci.descriptor import Descriptor

    name = new_name(target)
    # Held, so that what somebody else removes meanwhile keeps its blobs until it has its new name.
    with store.loading():
        image = store.resolve(source)
        manifest = image.manifest
        described = Descriptor(manifest.media_type, manifest.document.digest, manifest.document.size)
        add_names(store.layout, described, [name])
    return image, name


def chosen(store: Store, name: str) -> tuple[ImageRecord, tuple[Reference, ...]]:
    """The image that `name` means, and the names under which it is saved: none for an id."""
    image = store.find(name)
    if image is None:
        image = store.resolve(name)  # `base` is made, and anything else refused with what to do
    try:
        reference = references.parse(name).tagged()
    except ImageNameError:
        return image, ()
    return image, (reference,) if reference.familiar in image.names else ()


def choices(store: Store, name: str) -> list[tuple[ImageRecord, tuple[Reference, ...]]]:
    """As `chosen`, but a repository without a tag means all its tags, as docker's save has it."""
    try:
        reference = references.parse(name)
    except ImageNameError:
        return [chosen(store, name)]
    if reference.tag or reference.digest:
        return [chosen(store, name)]
    found = []
    for image in store.list():
        names = [references.parse(known) for known in image.names]
        own = tuple(known for known in names if known.name == reference.name)
        if own:
            found.append((image, own))
    return found or [chosen(store, name)]


def merged(
    groups: list[tuple[ImageRecord, tuple[Reference, ...]]],
) -> list[tuple[ImageRecord, tuple[Reference, ...]]]:
    """Each image once, with all the names it was asked for by."""
    found: dict[str, tuple[ImageRecord, tuple[Reference, ...]]] = {}
    for image, names in groups:
        before = found.get(image.id, (image, ()))[1]
        found[image.id] = image, tuple(dict.fromkeys((*before, *names)))
    return list(found.values())
