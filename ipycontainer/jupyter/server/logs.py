"""A container's output, as it comes, for one who looks at it."""

from __future__ import annotations

import asyncio

from ipycontainer.engine.log_watch import LogWatch
from ipycontainer.jupyter.server.plain import PlainStream
from ipycontainer.jupyter.server.sockets import SocketHandler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIMIT = 256 << 10  # bytes a message; nobody reads more at a glance
_PAUSE = 0.1  # seconds between two messages of a flood


class LogsHandler(SocketHandler):
    """GET /ipycontainer/containers/ID/logs, a websocket."""

    async def tell(self, identity: str) -> None:
        """Messages: pieces, each a stream and a text; passed_over: bytes left out before them; at last removed."""
        container = await self.room.ask(self.room.engine.get, identity)
        watch = await self.room.ask(LogWatch, container)
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        streams = {"stdout": PlainStream(), "stderr": PlainStream()}
        try:
            while True:
                told.clear()
                watch.drain()
                message, more = await self.room.ask(_message, watch, streams)
                if message is not None:
                    await self.say(message)
                if watch.removed:
                    await self.say({"removed": True})
                    return
                if not more:
                    loop.add_reader(watch.fileno(), told.set)
                    try:
                        await told.wait()
                    finally:
                        loop.remove_reader(watch.fileno())
                await asyncio.sleep(_PAUSE)
        finally:
            watch.close()


def _message(watch: LogWatch, streams: dict[str, PlainStream]) -> tuple[dict[str, Any] | None, bool]:
    """What to say, if anything, and whether there is more already."""
    pieces, passed, more = watch.read(_LIMIT)
    if not pieces and not passed:
        return None, more
    said = [{"stream": name, "text": text} for name, data in pieces if (text := streams[name].feed(data))]
    return {"pieces": said, "passed_over": passed}, more
