"""One watch over the store for all who listen: it looks when something changed, and only while somebody listens."""

from __future__ import annotations

import asyncio
from collections import Counter

from ipycontainer.engine.watch import Watch
from ipycontainer.errors import Error
from ipycontainer.jupyter.server.handler import Room, sentence_of
from ipycontainer.jupyter.server.rows import container_row, image_row, volume_row
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine

_TOGETHER = 0.05  # seconds: one command makes several changes, which are looked at together
_AGAIN = 10.0  # seconds between tries where the store cannot be watched
_KINDS = ("containers", "images", "volumes")


class Picture(Record):
    """What a listener shows.  problem: the sentence to show instead; containers, images and volumes by id."""

    problem: str = ""
    containers: dict[str, dict[str, Any]] = {}
    images: dict[str, dict[str, Any]] = {}
    volumes: dict[str, dict[str, Any]] = {}

    def changes(self, before: Picture | None) -> dict[str, Any] | None:
        """What turns `before` (None: nothing) into this; None if that is nothing."""
        old = before or Picture()
        message: dict[str, Any] = {"problem": self.problem}
        for name in _KINDS:
            were, are = getattr(old, name), getattr(self, name)
            message[name] = {
                "changed": [row for identity, row in are.items() if were.get(identity) != row],
                "removed": [identity for identity in were if identity not in are],
            }
        nothing: dict[str, list[Any]] = {"changed": [], "removed": []}
        if before is not None and message == {"problem": old.problem, **dict.fromkeys(_KINDS, nothing)}:
            return None
        return message | {"whole": before is None}


class Follower:
    """The newest picture, and a way to wait for the next one."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None
        self._new = asyncio.Condition()
        self.picture: Picture | None = None

    async def next(self, seen: Picture | None) -> Picture:
        """The picture, as soon as it is another one than `seen`."""
        async with self._new:
            await self._new.wait_for(lambda: self.picture is not None and self.picture is not seen)
            assert self.picture is not None
            return self.picture

    def enter(self) -> None:
        """One more listens."""
        self._listeners += 1
        if self._task is None:
            self._task = asyncio.create_task(self._follow())

    def leave(self) -> None:
        """One listens no more; with the last one everything ends."""
        self._listeners -= 1
        if self._listeners == 0:
            self.close()

    def close(self) -> None:
        """End the watch."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.picture = None

    async def _follow(self) -> None:
        while True:
            try:
                watch = await self._room.ask(lambda: Watch(self._room.engine))
            except (Error, OSError) as error:
                await self._show(Picture(problem=sentence_of(error)))
                await asyncio.sleep(_AGAIN)
                continue
            try:
                await self._look_on(watch)
            finally:
                watch.close()

    async def _look_on(self, watch: Watch) -> None:
        """Until the store itself is gone."""
        loop = asyncio.get_running_loop()
        while not watch.broken:
            watch.drain()
            await self._show(await self._room.ask(look, self._room.engine, watch))
            # The descriptor stays readable until it is drained, so it is listened to only while we wait.
            told = asyncio.Event()
            loop.add_reader(watch.fileno(), told.set)
            try:
                await told.wait()
            finally:
                loop.remove_reader(watch.fileno())
            await asyncio.sleep(_TOGETHER)

    async def _show(self, picture: Picture) -> None:
        if self.picture is None or picture != self.picture:
            async with self._new:
                self.picture = picture
                self._new.notify_all()


def look(engine: Engine, watch: Watch) -> Picture:
    """Everything as it is now."""
    try:
        containers = engine.containers(all=True)
        rows: dict[str, dict[str, Any]] = {}
        running: list[Container] = []
        for container in containers:
            row = rows[container.id] = container_row(container)
            if row["status"] == "running":
                running.append(container)
        watch.live(running)
        used = Counter(str(container.config["image_id"]) for container in containers)
        images = {image.id: image_row(image, used[image.id]) for image in engine.images()}
        found = engine.volumes.list()
        users = engine.volumes.users([volume.name for volume in found])
        volumes = {volume.name: volume_row(volume, len(users.get(volume.name, ()))) for volume in found}
    except (Error, OSError) as error:
        return Picture(problem=sentence_of(error))
    return Picture(containers=rows, images=images, volumes=volumes)
