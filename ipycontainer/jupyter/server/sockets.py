"""What both websockets share: who may open one, and a task that ends with it."""

from __future__ import annotations

import asyncio
import json

from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ipycontainer.errors import Error
from ipycontainer.jupyter.server.handler import RoomMixin, sentence_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class SocketHandler(WebSocketMixin, RoomMixin, WebSocketHandler):
    """A websocket that tells and does not listen."""

    _task: asyncio.Task[None] | None = None

    @ws_authenticated
    @authorized
    async def get(self, *arguments: Any, **named: Any) -> None:
        """The way in; WebSocketMixin refuses other sites' pages."""
        await super().get(*arguments, **named)

    def open(self, *arguments: str) -> None:
        """From here on it is a websocket."""
        super().open(*arguments)
        self._task = asyncio.ensure_future(self._tell(*arguments))

    async def _tell(self, *arguments: str) -> None:
        try:
            await self.tell(arguments[0] if arguments else "")
        except WebSocketClosedError:
            return
        except Error as error:
            await self.say({"problem": sentence_of(error)})
        self.close()

    async def tell(self, identity: str) -> None:
        """identity: the container in the address, if there is one.  Says things until it has nothing more to say."""
        raise NotImplementedError

    async def say(self, message: dict[str, Any]) -> None:
        """One message; waits until a slow listener has room for it.  Raises WebSocketClosedError."""
        await self.write_message(json.dumps(message))

    def on_message(self, message: str | bytes) -> None:
        """Nothing is asked over this way."""

    def on_close(self) -> None:
        """The listener went."""
        if self._task is not None:
            self._task.cancel()
