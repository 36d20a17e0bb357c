"""The image store: names to images, images in and out.

    ROOT/images/         an OCI image layout that other programs can read
    ROOT/layers/DIFFID/  each layer once, as a tree for overlayfs

Looking at files of a tree, unpacking and removing happen in jobs, through
`ask`, because only the store namespace may touch them.
"""

from __future__ import annotations

import os

from ipycontainer.errors import Error, ImageNameError, NoSuchImage
from ipycontainer.images.layout import Layout, Lock, writing
from ipycontainer.images.records import ImageRecord, LaunchFiles, LaunchRecord
from ipycontainer.oci import reference as references
from ipycontainer.oci.digest import Digest, is_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from ipycontainer.images.feed import Ask
    from ipycontainer.images.layers import Layers
    from ipycontainer.images.trees import Trees
    from ipycontainer.oci.image_config import ImageConfig
    from ipycontainer.oci.manifest import Manifest
    from ipycontainer.oci.reference import Reference

    Entries = list[dict[str, Any]]

Lines = list[str]
Images = list[ImageRecord]

BASE = "docker.io/library/base:latest"


class Store:
    """The images below `root`.

    ask: has a job done in the store namespace (`Launcher.ask`); mode: tells how ids are mapped there, which may start
    the launcher; ignore_ids: what comes in and belongs to ids outside of the map is given to root.
    """

    def __init__(self, root: str, ask: Ask, mode: Callable[[], str], ignore_ids: bool = False) -> None:
        self.root = root
        self._ask = ask
        self._mode = mode
        self.ignore_ids = ignore_ids
        self.layout = Layout(os.path.join(root, "images"))
        self._launches = LaunchFiles(os.path.join(root, "images", "launch"), os.path.join(root, "layers"))
        # Documents never change under their digest, so what was read once may be kept.
        self._manifests: dict[str, Manifest] = {}
        self._configs: dict[str, ImageConfig] = {}

    @property
    def layers(self) -> Layers:
        """The layers beside the layout."""
        from ipycontainer.images.layers import Layers

        return Layers(os.path.join(self.root, "layers"), self._ask, self._mode, ignore_ids=self.ignore_ids)

    def launch(self, name: str) -> LaunchRecord:
        """What `run` wants of the image `name`: from one small file if it was run before."""
        stamp = self.layout.stamp()
        found = self._launches.read(name, stamp)
        return found if found is not None else self._launch_slowly(name)

    def outlook(self, name: str) -> LaunchRecord:
        """What `launch` would give, with nothing made: no tree is unpacked, no `base` built, no launcher started."""
        from ipycontainer.images.outlook import outlook

        return self._launches.read(name, self.layout.stamp()) or outlook(self, name)

    def _launch_slowly(self, name: str) -> LaunchRecord:
        image = self.resolve(name)
        stamp = self.layout.stamp()
        layers = self.layers
        self._ensure_trees(image, layers)
        shown = self.shown_name(name, image)
        lowers = layers.lowers(image.config.diff_ids)
        layers.sync_names()  # the launch file is going to name them, whoever has put them there
        settings = dict(image.config.settings)
        return self._launches.write(name, stamp, image.id, shown, lowers, settings, image.of_another_machine)

    def shown_name(self, name: str, image: ImageRecord) -> str:
        """`name` with its tag, where it is one of the image's names."""
        familiar = full_tag(name)
        return familiar if familiar in image.names else name

    def _ensure_trees(self, image: ImageRecord, layers: Layers) -> None:
        missing = [
            (descriptor.digest, diff_id)
            for descriptor, diff_id in zip(image.manifest.layers, image.config.diff_ids)
            if not layers.has(diff_id)
        ]
        if missing:
            from ipycontainer.images.ingest import restore_tree

            with self.loading():
                for digest, diff_id in dict(missing).items():
                    restore_tree(self.layout, layers, digest, diff_id)

    def loading(self) -> Lock:
        """Held (shared) while images come in, so that nothing they rely on is collected."""
        self.layout.prepare()
        return Lock(os.path.join(self.layout.folder, "collect.lock"), shared=True)

    def resolve(self, name: str) -> ImageRecord:
        """The image called `name`: a name, an id or its first digits.  Raises NoSuchImage."""
        found = self.find(name)
        if found is not None:
            return found
        if self.is_base(name):
            self.ensure_base()
            found = self.find(name)
            if found is not None:
                return found
        raise NoSuchImage(
            f"Unable to find image '{full_tag(name)}' locally: bring it with `pull`, take it from an archive with"
            " `load -i FILE`, or use `base`, which is made from this machine's own files"
        )

    def is_base(self, name: str) -> bool:
        """Whether `name` means the image that is made here at its first use."""
        try:
            return str(references.normalise(name)) == BASE
        except ImageNameError:
            return False

    def find(self, name: str) -> ImageRecord | None:
        """The image called `name`, or None; a name that cannot be one is refused.

        Of other images nothing but the manifest is read, and what is wrong with them does not matter.
        """
        digits = name.removeprefix("sha256:")
        if digits != name or is_digest(f"sha256:{name}"):
            return self._by_digits(digits, name)
        reference = references.normalise(name)
        # Never by its text where it has a digest: of such a name the digest counts.
        found = self._by_digest(reference) if reference.digest else self._by_name(str(reference))
        if found is None and name and not set(name) - set("0123456789abcdef"):
            return self._by_digits(name, name)
        return found

    def _by_digits(self, digits: str, name: str) -> ImageRecord | None:
        ids: dict[str, None] = {}
        for entry in self._entries():
            digest = Digest(str(entry.get("digest")))
            if digest == f"sha256:{digits}":
                ids[self._id(digest)] = None
            elif (id := self._id_if_any(digest)) and id.removeprefix("sha256:").startswith(digits):
                ids[id] = None
        if len(ids) > 1:
            raise NoSuchImage(f"{name!r} is the beginning of {len(ids)} images' ids; write more of it")
        found = [image for id in ids for image in self.list(id=id)]
        return found[0] if found else None

    def _by_name(self, full: str) -> ImageRecord | None:
        from ipycontainer.images.ingest import name_of

        for entry in self._entries():
            if name_of(entry) == full:
                return self._behind(str(entry.get("digest")))
        return None

    def _by_digest(self, reference: Reference) -> ImageRecord | None:
        from ipycontainer.images.ingest import repo_digests_of

        known = reference.replace(tag="").familiar
        for entry in self._entries():
            if known in repo_digests_of(entry):
                return self._behind(str(entry.get("digest")))
        for entry in self._entries():
            if entry.get("digest") == reference.digest:
                image = self._behind(reference.digest)
                if image is not None and reference.name in {references.parse(own).name for own in image.names}:
                    return image
        return None

    def _behind(self, digest: str) -> ImageRecord | None:
        """The image with this manifest as its first, where it came compressed in several ways."""
        for image in self.list(id=self._id(Digest(digest))):
            others = [item for item in image.digests if item != digest]
            return image.replace(manifest=self._manifest(Digest(digest)), digests=(digest, *others))
        return None

    def _entries(self) -> Entries:
        found: Entries = self.layout.index().mapping().get("manifests") or []
        return found

    def list(self, broken: Callable[[str], object] | None = None, id: str = "") -> Images:
        """All images, the newest first.

        broken: is told in a sentence of each one whose documents cannot be read, and the others are given; without
        it such a one raises, for who must not overlook any.  id: the one image with this id; of the others nothing
        but the manifest is read, and what is wrong with it does not matter.
        """
        from ipycontainer.images.ingest import name_of, repo_digests_of

        entries: dict[str, Lines] = {}
        repo_digests: dict[str, Lines] = {}
        for entry in self._entries():
            known = entries.setdefault(str(entry.get("digest")), [])
            full = name_of(entry)
            if full:
                known.append(references.parse(full).familiar)
            repo_digests.setdefault(str(entry.get("digest")), []).extend(repo_digests_of(entry))
        images: dict[str, ImageRecord] = {}
        for digest, names in entries.items():
            if id and self._id_if_any(Digest(digest)) != id:
                continue
            try:
                image = self._image(Digest(digest), tuple(names))
            except (Error, OSError) as error:
                if broken is None:
                    raise
                broken(f"the image {names[0] if names else digest} is broken: {error}; remove it or get it again")
                continue
            image = image.replace(repo_digests=tuple(dict.fromkeys(repo_digests[digest])))
            same = images.get(image.id)
            if same is not None:  # one image, whose layers came here compressed in two ways
                image = same.replace(
                    names=(*same.names, *names),
                    digests=(*same.digests, digest),
                    repo_digests=tuple(dict.fromkeys((*same.repo_digests, *image.repo_digests))),
                )
            images[image.id] = image
        found = [*images.values()]
        if len(found) > 1:  # a time is read where there is something to be in order: `datetime` takes 1 ms to load
            found.sort(key=lambda image: image.created, reverse=True)
        return found

    def _id(self, digest: Digest) -> str:
        """The id of the image with this manifest: the sha256 of its config, whatever the manifest names that by."""
        named = self._manifest(digest).config.digest
        return str(named if named.algorithm == "sha256" else self.read_image(digest)[1].document.digest)

    def _id_if_any(self, digest: Digest) -> str:
        """The same; a manifest that cannot be read is nobody's."""
        try:
            return self._id(digest)
        except (Error, OSError):
            return ""

    def _image(self, digest: Digest, names: tuple[str, ...]) -> ImageRecord:
        manifest, config = self.read_image(digest)
        layers = self.layers_for_reading()
        size = 0
        for diff_id in dict.fromkeys(config.diff_ids):
            if layers.has(diff_id):
                size += layers.record(diff_id).size
        return ImageRecord(self._id(digest), names, size, (str(digest),), manifest, config)

    def layers_for_reading(self) -> Layers:
        """The layers' records; nothing is asked of the launcher for them."""
        from ipycontainer.images.layers import Layers

        return Layers(os.path.join(self.root, "layers"), self._ask, self._mode)

    def folded(self, image: ImageRecord) -> int:
        """How many names in its trees belong to root because nobody here has their own ids."""
        layers = self.layers_for_reading()
        diff_ids = dict.fromkeys(image.config.diff_ids)
        return sum(layers.record(diff_id).folded for diff_id in diff_ids if layers.has(diff_id))

    def trees(self, lowers: Sequence[str], container: str = "") -> Trees:
        """A look into the layers of these names, the top one first, under what the container in that folder wrote."""
        from ipycontainer.images.trees import Trees

        return Trees(self._ask, os.path.join(self.root, "layers"), lowers, container)

    def ensure_trees(self, image: ImageRecord) -> None:
        """Unpack again what another program put into the layout, or what was lost."""
        self._ensure_trees(image, self.layers)

    def read_image(self, digest: Digest) -> tuple[Manifest, ImageConfig]:
        """Manifest and config of the image behind a manifest or an index, checked against their digests."""
        manifest = self._manifest(digest)
        id = manifest.config.digest
        if id not in self._configs:
            from ipycontainer.oci import image_config

            self._configs[id] = image_config.read(self.layout.read_document(id, f"the config {id.short}"))
        return manifest, self._configs[id]

    def _manifest(self, digest: Digest) -> Manifest:
        if digest not in self._manifests:
            from ipycontainer.oci import index, manifest, platform

            document = self.layout.read_document(digest, f"the manifest {digest.short}")
            if index.is_index(document):
                chosen = index.read(document).for_platform(platform.host())
                document = self.layout.read_document(chosen.digest, f"the manifest {chosen.digest.short}")
            self._manifests[digest] = manifest.read(document)
        return self._manifests[digest]

    def load(self, source: str | int) -> Lines:
        """Load an archive (a path or a descriptor) that `docker save` or another program wrote.

        Gives docker's lines, without "Loaded image: ": the names, or the ids of images without one.
        """
        from ipycontainer.images.archives.load import load

        with self.loading(), writing(self.root):
            layers = self.layers
            layers.sweep()
            return load(self.layout, layers, source)

    def ensure_base(self) -> None:
        """Make `base` from this machine's own files if it is not there; two first users make it once."""
        from ipycontainer.images.base.build import build

        with self.loading(), writing(self.root), Lock(os.path.join(self.layout.folder, "base.lock")):
            if self.find(BASE) is None:
                build(self.layout, self.layers)

    def remove(self, name: str, force: bool = False, in_use: Callable[[], Iterable[str]] = tuple) -> Lines:
        """Take a name away and, with the last one, the image; gives docker's lines.

        in_use: gives the ids of images that containers use; such an image is only untagged, and only by force.
        """
        from ipycontainer.images.removal import remove

        return remove(self, name, force, in_use)

    def collect(self) -> Lines:
        """Remove what no image uses; nothing while images come in, for they may be about to use it."""
        self.layout.prepare()
        try:
            with Lock(os.path.join(self.layout.folder, "collect.lock"), wait=False):
                return self.collect_now()
        except BlockingIOError:
            return []

    def collect_now(self) -> Lines:
        """Remove what no image uses; the caller holds the lock that keeps images from coming in."""
        from ipycontainer.images.collect import collect

        return collect(self.layout, self.layers, self.list())


def full_tag(name: str) -> str:
    """The name as docker shows it, with its tag; an id stays as it is."""
    try:
        return references.normalise(name).familiar
    except ImageNameError:
        return name
