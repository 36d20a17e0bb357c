"""What this machine allows, for whoever meets a refusal in the side bar."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from ipycontainer.jupyter.server.handler import RoomHandler


class DoctorHandler(RoomHandler):
    """GET /ipycontainer/doctor."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """`{"findings": [{…}]}`, the fields of a Finding each."""
        found = await self.room.ask(self.room.engine.doctor)
        self.finish({"findings": [finding.as_dict() for finding in found]})
