"""A volume, as the engine's callers see it."""

from __future__ import annotations

import os
import time

from ipycontainer.runtime.inside.volumes import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.volumes import Volumes

ANONYMOUS = "com.docker.volume.anonymous"
"""docker's label of a volume that was given no name."""

OWNERS = {
    "root": "host: ids in a container are the host's",
    "range": "subordinate: root in a container is you, every other id one of your subordinate ids",
    "one": "one: all files are yours, and root's in a container; no container can give them another owner",
}
"""Whose the files of a volume are on the host, by how this account's containers are made."""


class Volume:
    """One volume: files that outlive the containers that use them.

    name: its name; created: seconds since the epoch; path: where its files lie on the host.
    """

    def __init__(self, volumes: Volumes, name: str, record: dict[str, Any]) -> None:
        self._volumes = volumes
        self._record = record
        self.name = name

    @property
    def driver(self) -> str:
        """Always local."""
        return "local"

    @property
    def created(self) -> float:
        """Seconds since the epoch."""
        return float(self._record["created"])

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return dict(self._record.get("labels") or {})

    @property
    def options(self) -> dict[str, str]:
        """The driver's options that it was made with."""
        return dict(self._record.get("options") or {})

    @property
    def is_anonymous(self) -> bool:
        """Whether it was made for a container that gave it no name."""
        return ANONYMOUS in self.labels

    @property
    def path(self) -> str:
        """Where its files lie on the host."""
        return os.path.join(self._volumes.folder, self.name, DATA)

    @property
    def source(self) -> str:
        """What a container is shown: the files, or the folder of the host that it stands for (-o o=bind)."""
        return self.options.get("device") or self.path

    @property
    def users(self) -> list[str]:
        """The ids of the containers that use it."""
        return self._volumes.users([self.name]).get(self.name, [])

    @property
    def size(self) -> int:
        """Bytes of disk that its files take."""
        return self._volumes.weigh(self.name)

    def remove(self) -> None:
        """Remove it and its files.  Raises WrongState while a container uses it."""
        self._volumes.remove(self.name)

    def inspect(self) -> dict[str, Any]:
        """docker's `volume inspect`; Owners, below Status, says whose the files are on the host."""
        return {
            "CreatedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.created)),
            "Driver": self.driver,
            "Labels": self._record.get("labels"),
            "Mountpoint": self.path,
            "Name": self.name,
            "Options": self._record.get("options"),
            "Scope": "local",
            "Status": {"Owners": OWNERS[self._volumes.mode]},
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Volume) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"<Volume {self.name}>"
