"""An image, as the engine's callers see it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.images.records import ImageRecord


class Image:
    """One image of the store."""

    def __init__(self, record: ImageRecord) -> None:
        self._record = record

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
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return self._record.labels

    def inspect(self) -> dict[str, Any]:
        """docker's `image inspect`, as far as an OCI config says it."""
        record, config = self._record, self._record.config
        return {
            "Id": record.id,
            "RepoTags": list(record.names),
            "RepoDigests": [],
            "Created": config.document.view.get("created", ""),
            "Architecture": config.document.view.get("architecture", ""),
            "Os": config.document.view.get("os", ""),
            "Size": record.size,
            "Config": dict(config.settings),
            "RootFS": {"Type": "layers", "Layers": [str(item) for item in config.diff_ids]},
        }

    def __repr__(self) -> str:
        return f"<Image {', '.join(self.names) or self.short_id}>"
