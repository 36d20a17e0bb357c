"""An image, as the engine's callers see it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.image_layers import Layer, Tree
    from ipycontainer.images.records import ImageRecord
    from ipycontainer.images.store import Store

# docker's Config of what an image says nothing about.
_NOTHING_SET: dict[str, Any] = {
    "User": "",
    "ExposedPorts": None,
    "Env": None,
    "Cmd": None,
    "Healthcheck": None,
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
    "StopSignal": "",
    "Shell": None,
}


class Image:
    """One image of the store."""

    def __init__(self, record: ImageRecord, store: Store) -> None:
        self._record = record
        self._store = store
        self._tree: Tree | None = None

    @property
    def id(self) -> str:
        """`sha256:…`, the digest of its config."""
        return self._record.id

    @property
    def short_id(self) -> str:
        """The first 12 digits of the id."""
        return self._record.short_id

    @property
    def names(self) -> list[str]:
        """`repository:tag`, as many as it has."""
        return list(self._record.names)

    @property
    def created(self) -> float:
        """Seconds since the epoch."""
        return self._record.created

    @property
    def size(self) -> int:
        """Bytes of its files, unpacked."""
        return self._record.size

    @property
    def folded(self) -> int:
        """How many of its files and folders belong to root here because this user does not have their own ids."""
        return self._store.folded(self._record)

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return self._record.labels

    @property
    def digests(self) -> list[str]:
        """`repository@sha256:…`: under what it is known to the registries that it came from or went to."""
        return list(self._record.repo_digests)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its layers, the lowest first; `image.layers[2]["/etc/passwd"]` is a file of one."""
        return self.tree().layers

    def tree(self) -> Tree:
        """For each layer what it added, changed and removed, and the bytes that later layers waste."""
        if self._tree is None:
            from ipycontainer.engine.image_layers import Tree

            self._store.ensure_trees(self._record)
            self._tree = Tree(self._record, self._store)
        return self._tree

    def history(self) -> list[dict[str, Any]]:
        """docker's history, the newest step first: Id, Created (seconds), CreatedBy, Size (bytes), Comment, Tags."""
        from ipycontainer.images.history import history

        return history(self._record, self._store.layers_for_reading())

    def inspect(self) -> dict[str, Any]:
        """docker's `image inspect`, as far as an OCI config says it."""
        record, config = self._record, self._record.config
        view = config.document.view
        document = {
            "Id": record.id,
            "RepoTags": list(record.names),
            "RepoDigests": self.digests,
            "Parent": "",
            "Comment": str(config.history[-1].get("comment", "")) if config.history else "",
            "Created": view.get("created", ""),
            "Author": view.get("author", ""),
            "DockerVersion": "",
            "Architecture": view.get("architecture", ""),
            "Os": view.get("os", ""),
            "Size": record.size,
            "VirtualSize": record.size,
            "Config": {**_NOTHING_SET, **config.settings},
            "RootFS": {"Type": "layers", "Layers": [str(item) for item in config.diff_ids]},
            "Descriptor": {
                "mediaType": record.manifest.media_type,
                "digest": record.digest,
                "size": record.manifest.document.size,
            },
        }
        if config.platform.variant:
            document["Variant"] = config.platform.variant
        return document

    def __repr__(self) -> str:
        return f"<Image {', '.join(self.names) or self.short_id}>"
