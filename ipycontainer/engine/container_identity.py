"""What a container is: the part of it that stays the same from its creation to its removal."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.engine import Engine


class Identity:
    """What was written when it was made.  id: 64 hex digits; folder: in the store; run_folder: while it lives."""

    def __init__(self, engine: Engine, identity: str, config: dict[str, Any], name: str) -> None:
        self._engine = engine
        self._config = config
        self.id = identity
        self.name = name
        self.folder = engine.directory.folder(identity)
        self.run_folder = engine.directory.run(identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def engine(self) -> Engine:
        """The engine that it belongs to."""
        return self._engine

    @property
    def short_id(self) -> str:
        """The first 12 digits of the id."""
        return self.id[:12]

    @property
    def image(self) -> str:
        """The image's name, as it was asked for."""
        return str(self._config["image"])

    @property
    def image_ids(self) -> list[str]:
        """The ids of its image and of those that it mounts."""
        mounted = self._config["request"]["images"]
        return [str(self._config["image_id"]), *(str(item["id"]) for item in mounted)]

    @property
    def command(self) -> tuple[str, ...]:
        """The program and its arguments."""
        return tuple(self._config["command"])

    @property
    def entrypoint_and_rest(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The same as docker's Entrypoint and Cmd, whoever gave them: the image or the caller."""
        count = self._config.get("entrypoint_words", len(self._config["request"]["entrypoint"] or ()))
        return self.command[:count], self.command[count:]

    @property
    def created(self) -> float:
        """Seconds since the epoch."""
        return float(self._config["created"])

    @property
    def labels(self) -> dict[str, str]:
        """The container's labels, the image's included."""
        return dict(self._config["labels"])

    @property
    def told(self) -> dict[str, str]:
        """What each event of it says, as docker's: its labels, its image and its name."""
        return {**self._config["labels"], "image": self.image, "name": self.name}

    @property
    def has_restart_policy(self) -> bool:
        """Whether it may be started again without anybody's doing."""
        return self.config["request"]["restart"] not in ("", "no")

    @property
    def config(self) -> dict[str, Any]:
        """All that was asked for, as it was written when the container was made, or updated since by whomever."""
        self._config = self._engine.directory.read(self.id) or self._config
        return self._config
