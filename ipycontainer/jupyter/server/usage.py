"""Memory and CPU of what runs; read when somebody asks, for all at once."""

from __future__ import annotations

import os
import time

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from ipycontainer.jupyter.server.handler import RoomHandler
from ipycontainer.jupyter.server.rows import usage_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.engine import Engine


class UsageHandler(RoomHandler):
    """GET /ipycontainer/usage."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """`{"time": seconds, "cpus": count, "containers": {ID: …}}`; two answers give the share of CPU between them."""
        self.finish(await self.room.ask(usage, self.room.engine))


def usage(engine: Engine) -> dict[str, Any]:
    """What each running container uses now."""
    rows = {found.container.id: usage_row(found) for found in engine.dashboard().read()}
    return {"time": time.time(), "cpus": os.cpu_count() or 1, "containers": rows}
