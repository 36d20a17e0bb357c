"""What can be done to containers, images and volumes, each one address and one verb."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from ipycontainer.errors import InputError
from ipycontainer.jupyter.server.handler import RoomHandler
from ipycontainer.jupyter.server.rows import container_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.engine import Engine


class ContainersHandler(RoomHandler):
    """POST /ipycontainer/containers: run an image, detached."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """The body: image, and if wanted command, name, memory, cpus, remove."""
        body = self.body()
        wanted = {name: self.text(body, name) for name in ("image", "command", "name", "memory", "cpus")}
        remove = body.get("remove", False) is True
        row = await self.room.ask(run, self.room.engine, remove=remove, **wanted)
        self.set_status(201)
        self.finish(row)


class ContainerHandler(RoomHandler):
    """DELETE /ipycontainer/containers/ID[?force=1]."""

    @authenticated
    @authorized
    async def delete(self, identity: str) -> None:
        """Removes it, and with force kills it first."""
        force = self.get_query_argument("force", "") in ("1", "true")
        container = await self.room.ask(self.room.engine.get, identity)
        await self.room.ask(container.remove, force)
        self.set_status(204)
        self.finish()


class ActionHandler(RoomHandler):
    """POST /ipycontainer/containers/ID/start, …/stop, …/kill, …/pause, …/unpause."""

    @authenticated
    @authorized
    async def post(self, identity: str, action: str) -> None:
        """Returns when it is done; a stop may take ten seconds."""
        container = await self.room.ask(self.room.engine.get, identity)
        await self.room.ask(getattr(container, action))  # one of five, says the address
        self.set_status(204)
        self.finish()


class ImagesHandler(RoomHandler):
    """DELETE /ipycontainer/images?name=…[&force=1]: a name holds slashes, so it is no part of the path."""

    @authenticated
    @authorized
    async def delete(self) -> None:
        """Removes the name, and the image with its last name."""
        name = self.get_query_argument("name", "")
        if not name:
            raise InputError("say which image: ?name=IMAGE")
        force = self.get_query_argument("force", "") in ("1", "true")
        lines = await self.room.ask(self.room.engine.remove_image, name, force)
        self.finish({"lines": lines})


class VolumeHandler(RoomHandler):
    """DELETE /ipycontainer/volumes/NAME."""

    @authenticated
    @authorized
    async def delete(self, name: str) -> None:
        """Removes it and its files; 409 while a container uses it."""
        await self.room.ask(self.room.engine.volumes.remove, name)
        self.set_status(204)
        self.finish()


def run(engine: Engine, image: str, command: str, name: str, memory: str, cpus: str, remove: bool) -> dict[str, Any]:
    """Make and start a container, as `run -d` does.  Without a command it gets a terminal and an open input,
    so that an image whose program is a shell waits for somebody instead of ending at once."""
    import shlex

    from ipycontainer.engine.request import RunRequest
    from ipycontainer.engine.sizes import size_bytes

    if not image:
        raise InputError("say which image to run")
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise InputError(f"the command cannot be read: {error}") from None
    try:
        size = size_bytes(memory) if memory else 0
    except ValueError as error:
        raise InputError(f"{error}; write bytes, or 64k, 64m, 1.5g") from None
    try:
        share = float(cpus or 0)
    except ValueError:
        raise InputError(f"{cpus!r} is no number of CPUs; write one such as 0.5") from None
    request = RunRequest(
        image=image, command=words, name=name, memory=size, cpus=share, remove=remove, tty=not words,
        interactive=not words,
    )  # fmt: skip
    container = engine.create(request, pull="never")  # the page has nothing to show a pull's progress with
    try:
        container.start()
    except BaseException:
        container.remove(force=True)  # the person who asked gets the sentence, and no corpse in the list
        raise
    return container_row(container)
