"""What the engine does with images, beyond looking at them."""

from __future__ import annotations

import os

from ipycontainer.errors import Error, TruncatedArchive, WrongState
from ipycontainer.runtime.lifecycle import standing_still

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.image import Image
    from ipycontainer.engine.image_verbs import Images
    from ipycontainer.images.records import ImageRecord
    from ipycontainer.oci.reference import Reference


def remove(engine: Images, reference: str, force: bool, in_use: Callable[[], list[str]]) -> list[str]:
    """docker's lines of a removal, and its events."""
    image = engine.store.find(reference)
    lines = engine.store.remove(reference, force, in_use)
    if image is not None:
        for line in lines:
            if line.startswith("Untagged: ") and "@" not in line:
                engine.journal.append("image", "untag", image.id, {**image.labels, "name": image.id})
        if f"Deleted: {image.id}" in lines:
            engine.journal.append("image", "delete", image.id, {"name": image.id})
    return lines


def save(engine: Images, references: Sequence[str], path: str | None) -> Iterator[bytes]:
    """The pieces of the archive; nothing but an empty iterator when `path` takes them."""
    from ipycontainer.images.archives.save import save as pieces_of
    from ipycontainer.images.names import choices, merged

    store = engine.store
    chosen = merged([choice for reference in references for choice in choices(store, reference)])
    pieces = pieces_of(store.layout, chosen)
    for image, _names in chosen:
        engine.journal.append("image", "save", image.id, {**image.labels, "name": image.id})
    if path is None:
        return pieces
    write_whole(path, pieces)
    return iter(())


def write_whole(path: str, pieces: Iterator[bytes]) -> None:
    """The file `path` with all the pieces, on disk, or none: a name that is there is never half an archive."""
    if os.path.exists(path) and not os.path.isfile(path):
        _write_into(path, pieces)  # a pipe or /dev/null has no other file to be renamed over
        return
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with open(temporary, "xb", buffering=0) as file:
            for piece in pieces:
                file.write(piece)
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except OSError as error:
        raise Error(f"cannot write {path}: {error.strerror}; nothing of it was kept") from None
    finally:
        try:
            os.unlink(temporary)
        except OSError:
            pass


def _write_into(path: str, pieces: Iterator[bytes]) -> None:
    try:
        with open(path, "wb", buffering=0) as file:
            for piece in pieces:
                file.write(piece)
    except OSError as error:
        raise Error(f"cannot write {path}: {error.strerror}") from None


def commit(
    container: Container,
    name: str = "",
    author: str = "",
    message: str = "",
    changes: Sequence[str] = (),
    pause: bool | None = None,
) -> Image:
    """What the container changed as a new layer over its image, with the settings it was started with."""
    from ipycontainer.images.names import new_name

    engine = container.engine
    store = engine.store
    names = [new_name(name)] if name else []

    def changed_settings() -> tuple[ImageRecord, dict[str, Any]]:
        base = store.resolve(str(container.config["image_id"]))
        return base, _changed(_settings(base.config.settings, container.config), changes)

    if changes:
        changed_settings()  # what is wrong with them is said before anything is made

    def about() -> About:
        base, settings = changed_settings()
        said = " ".join(container.entrypoint_and_rest[1])
        return About(settings, {"created_by": said, "author": author, "comment": message}, base)

    with _standing_still(container, pause), store.loading():  # its image keeps its blobs, whoever removes it meanwhile
        # The layer is packed while the modules are loaded that take it in.
        with container.trees().layer() as pieces:
            from ipycontainer.images.commit import About, make_image

            made = make_image(store, pieces, names, f"the layer of {container.name}", about)
    said_of = {"comment": message, "imageID": made.id, "imageRef": names[0].familiar if names else ""}
    _tell_of_names(engine, made, names)
    engine.journal.append("container", "commit", container.id, {**container.told, **said_of})
    from ipycontainer.engine.image import Image

    return Image(made, store)


def _changed(settings: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    if not changes:
        return settings
    from ipycontainer.engine.image_changes import changed

    return changed(settings, changes)


class _standing_still:
    """The container's processes do nothing meanwhile: True, or with None where that can be."""

    def __init__(self, container: Container, pause: bool | None) -> None:
        self._held: standing_still | None = None
        if pause or (pause is None and container.can_pause):
            self._held = standing_still(container.engine.launcher, container.run_folder)

    def __enter__(self) -> None:
        try:
            if self._held is not None:
                self._held.__enter__()
        except WrongState:
            self._held = None  # nothing runs that could write

    def __exit__(self, *details: object) -> None:
        if self._held is not None:
            self._held.__exit__(*details)


def _settings(image: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any]:
    """The image's settings, with what the container was asked to be."""
    request = container["request"]
    found = dict(image)
    given = {"User": request["user"], "WorkingDir": request["workdir"], "StopSignal": request["stop_signal"]}
    found.update((name, value) for name, value in given.items() if value)
    if request["env"]:
        from ipycontainer.engine.image_changes import with_environment

        # A bare name takes the image's variable away.
        found["Env"] = [item for item in with_environment(found.get("Env") or [], request["env"]) if "=" in item]
    if request["entrypoint"] is not None:
        found["Entrypoint"] = list(request["entrypoint"])
        found.pop("Cmd", None)
    if request["command"]:
        found["Cmd"] = list(request["command"])
    if container.get("exposed_ports"):
        found["ExposedPorts"] = dict(container["exposed_ports"])
    if container.get("healthcheck"):
        found["Healthcheck"] = dict(container["healthcheck"])
    if container["labels"]:
        found["Labels"] = dict(container["labels"])
    return found


def import_tree(
    engine: Images,
    source: str | int,
    name: str = "",
    message: str = "",
    changes: Sequence[str] = (),
    ignore_ids: bool = False,
    platform: str = "",
) -> Image:
    """A tar of a whole root, packed or not, as an image of one layer."""
    from ipycontainer.engine.image import Image
    from ipycontainer.images.commit import About, make_image
    from ipycontainer.images.decompress import plain
    from ipycontainer.images.inside.tar_sources import DescriptorSource
    from ipycontainer.images.names import new_name
    from ipycontainer.oci import platform as platforms

    store = engine.store_for(ignore_ids)
    names = [new_name(name)] if name else []
    step = {"created_by": "", "comment": message or "Imported from -"}
    about = About(_changed({}, changes), step, made_for=platforms.parse(platform) if platform else None)
    what = "the archive" if isinstance(source, int) else f"the archive {source}"
    descriptor = source if isinstance(source, int) else _open(source)
    try:
        pieces = _some(plain(DescriptorSource(descriptor), what), what)
        made = make_image(store, pieces, names, what, lambda: about)
    finally:
        if not isinstance(source, int):
            os.close(descriptor)
    _tell_of_names(engine, made, names)
    engine.journal.append("image", "import", made.id, {**made.labels, "name": made.id})
    return Image(made, store)


def _tell_of_names(engine: Images, made: ImageRecord, names: Sequence[Reference]) -> None:
    for name in names:
        engine.journal.append("image", "tag", made.id, {**made.labels, "name": name.familiar})


def _some(pieces: Iterator[bytes], what: str) -> Iterator[bytes]:
    """Nothing at all would be a valid archive, but is what a pipe gives whose other end has failed."""
    first = next(pieces, b"")
    if not first:
        raise TruncatedArchive(f"{what} is empty; nothing was imported")
    yield first
    yield from pieces


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Error(f"{path} cannot be read: {error.strerror}") from None
