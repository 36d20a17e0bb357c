"""What the store says of an image."""

from __future__ import annotations

import os

from ipycontainer.json_text import dumps, loads
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ipycontainer.oci.image_config import ImageConfig
    from ipycontainer.oci.manifest import Manifest


class ImageRecord(Record):
    """An image: its id (the config's digest), the names it has, and its documents.

    size: bytes of the unpacked files, as docker shows it; digests: of its manifests in the index (one, unless its
    layers came compressed in several ways); manifest: the first of them; repo_digests: `repository@digest` of the
    registries that it came from or went to.
    """

    id: str
    names: tuple[str, ...]
    size: int
    digests: tuple[str, ...]
    manifest: Manifest
    config: ImageConfig
    repo_digests: tuple[str, ...] = ()

    @property
    def created(self) -> float:
        """Seconds since the epoch; 0.0 where it does not say."""
        return self.config.created_seconds

    @property
    def digest(self) -> str:
        """The digest of its manifest."""
        return self.digests[0]

    @property
    def short_id(self) -> str:
        """The first 12 digits."""
        return self.id.partition(":")[2][:12]

    @property
    def of_another_machine(self) -> str:
        """The platform that its programs are for; "" where it is this machine's."""
        from ipycontainer.oci.platform import host

        return "" if self.config.platform.same(host()) else str(self.config.platform)

    @property
    def labels(self) -> dict[str, str]:
        """The image's labels."""
        return self.config.labels


class LaunchRecord(Record):
    """All that `run` wants of an image.

    lowers: the layers' folders, the top one first; config: Env, Cmd, Entrypoint, User, WorkingDir, …;
    platform: "" for this machine's, else whose its programs are ("linux/arm64").
    """

    id: str
    name: str
    lowers: tuple[str, ...]
    config: Mapping[str, Any]
    platform: str = ""


class LaunchFiles:
    """One small file for each name that was run, so that a run reads no image document.

    The truth is the index; a file counts only while the index is the very one (inode, time, size) from
    which it was made, so a file that is old or half known to somebody else does no harm.
    """

    def __init__(self, folder: str, layers: str) -> None:
        self._folder = folder
        self._layers = layers

    def read(self, name: str, stamp: list[int]) -> LaunchRecord | None:
        """The record under this name, if it still counts."""
        path = self._path(name)
        if path is None:
            return None
        try:
            with open(path, "rb") as file:
                found = loads(file.read())
            if found["stamp"] != stamp:
                return None
            return self._record(found)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(
        self, name: str, stamp: list[int], id: str, shown: str, lowers: list[str], config: Any, platform: str = ""
    ) -> LaunchRecord:
        """Keep the record; a store that cannot be written just stays slow."""
        found = {"stamp": stamp, "id": id, "name": shown, "lowers": lowers, "config": config}
        found.update({"platform": platform} if platform else {})
        path = self._path(name)
        if path is not None:
            temporary = f"{path}.{os.urandom(6).hex()}"
            try:
                os.makedirs(self._folder, 0o700, exist_ok=True)
                with open(temporary, "w", encoding="utf-8") as file:
                    file.write(dumps(found))
                os.rename(temporary, path)
            except OSError:
                pass
        return self._record(found)

    def _record(self, found: dict[str, Any]) -> LaunchRecord:
        lowers = tuple(f"{self._layers}/{name}/tree" for name in found["lowers"])
        return LaunchRecord(found["id"], found["name"], lowers, found["config"], found.get("platform", ""))

    def _path(self, name: str) -> str | None:
        # `%` stands in no image name, so two names never meet in one file.
        file = name.replace("/", "%")
        return os.path.join(self._folder, file + ".json") if 0 < len(file) < 200 and file[0] != "." else None
