"""What can be asked of a store's images; an engine is one that has containers too."""

from __future__ import annotations

import os

from ipycontainer.engine.events import Journal
from ipycontainer.launcher import folders
from ipycontainer.launcher.client import Launcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ipycontainer.engine.image import Image
    from ipycontainer.engine.registries import Told
    from ipycontainer.engine.request import VolumeMount
    from ipycontainer.engine.volumes import Volumes
    from ipycontainer.images.store import Store


class Images:
    """The images of one store, by the words of its users.  root: its folder; None for the user's own."""

    def __init__(self, root: str | None) -> None:
        self.root = folders.store_root(root)
        self.launcher = Launcher(self.root)
        self.journal = Journal(os.path.join(self.root, "events"))

    @property
    def volumes(self) -> Volumes:
        """The volumes: `engine.volumes.create("data")`, `.get`, `.list()`, `.remove`, `.prune()`."""
        from ipycontainer.engine.volumes import Volumes

        return Volumes(self)

    def volume_source(self, mount: VolumeMount) -> str:
        """Where the files of a volume are that a container uses, or will be once it is made."""
        from ipycontainer.engine.volumes import source_of

        return source_of(self.root, mount)

    @property
    def store(self) -> Store:
        """The images themselves."""
        return self.store_for()

    def store_for(self, ignore_ids: bool = False) -> Store:
        """The same; ignore_ids: what comes in and belongs to ids that this user does not have is given to root."""
        from ipycontainer.images.store import Store

        return Store(self.root, self.launcher.ask, lambda: self.launcher.mode, ignore_ids)

    def images(self, broken: Callable[[str], object] | None = None) -> list[Image]:
        """All images, the newest first; `broken` is told of each one that cannot be read."""
        from ipycontainer.engine.image import Image

        store = self.store
        return [Image(record, store) for record in store.list(broken or (lambda _sentence: None))]

    def image(self, reference: str) -> Image:
        """One image by name or id.  Raises NoSuchImage."""
        from ipycontainer.engine.image import Image

        store = self.store
        return Image(store.resolve(reference), store)

    def tag(self, source: str, target: str) -> None:
        """Give an image one more name.  Raises NoSuchImage, ImageNameError."""
        from ipycontainer.images.names import tag

        folders.prepare(self.root)
        image, name = tag(self.store, source, target)
        self.journal.append("image", "tag", image.id, {**image.labels, "name": name.familiar})

    def save(self, references: Sequence[str] | str, path: str | None = None) -> Iterator[bytes]:
        """Images as one archive: in the file `path`, whole or not at all, or as pieces of bytes.

        Raises NoSuchImage, StoreError, StoreUnwritable.
        """
        from ipycontainer.engine.images import save

        return save(self, [references] if isinstance(references, str) else references, path)

    def load(self, source: str | int, *, ignore_ids: bool = False) -> list[str]:
        """Load what `docker save` wrote, from a path or a descriptor; the names (or ids) that came.

        ignore_ids: give to root what belongs to ids that this user does not have (`Image.folded` says how much).
        """
        folders.prepare(self.root)
        store = self.store_for(ignore_ids)
        names = store.load(source)
        loaded = {image.id: image for image in map(store.find, names) if image is not None}
        for id, image in loaded.items():
            self.journal.append("image", "load", id, {**image.labels, "name": id})
        return names

    def import_tree(
        self,
        source: str | int,
        name: str = "",
        message: str = "",
        changes: Sequence[str] = (),
        *,
        ignore_ids: bool = False,
        platform: str = "",
    ) -> Image:
        """docker's import: a tar of a whole root, from a path or a descriptor, as an image of one layer.

        changes: Dockerfile instructions ("CMD [\"sh\"]"); ignore_ids: as for `load`;
        platform: for which the files are ("linux/arm64"), where it is not this machine's.
        Raises ArchiveError, InputError, StoreUnwritable.
        """
        from ipycontainer.engine.images import import_tree

        folders.prepare(self.root)
        return import_tree(self, source, name, message, changes, ignore_ids, platform)

    def bootstrap(self, name: str, include: Sequence[str] = (), mirror: str = "") -> Image:
        """A distribution's image ("debian:bookworm") from its packages, by mmdebstrap; include: more packages.

        Raises Error where no mirror is reached, Refused where mmdebstrap is missing.
        """
        from ipycontainer.engine.bootstrap import bootstrap

        folders.prepare(self.root)
        return bootstrap(self, name, include, mirror)

    def pull(self, name: str, platform: str = "", tell: Told | None = None, *, ignore_ids: bool = False) -> Image:
        """Bring an image from its registry.

        platform: "linux/arm64" for another machine's; tell: called with (layer, state, bytes, of bytes);
        ignore_ids: as for `load`.
        Raises NotInRegistry, AccessDenied, RegistryError, NoSuchImage (nothing for this platform).
        """
        from ipycontainer.engine.registries import pull, silent

        folders.prepare(self.root)
        return self.image(pull(self, name, platform, tell or silent, ignore_ids).id)

    def push(self, name: str, tell: Told | None = None) -> str:
        """Bring an image to the registry that its name says; the digest that it has there."""
        from ipycontainer.engine.registries import push, silent

        return str(push(self, name, tell or silent).digest)
