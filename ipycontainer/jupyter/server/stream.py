"""The stream of changes: first everything, then what is different, as it happens."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ipycontainer.jupyter.server.follower import Follower
from ipycontainer.jupyter.server.sockets import SocketHandler

FOLLOWER = "ipycontainer_follower"


class StreamHandler(SocketHandler):
    """GET /ipycontainer/stream, a websocket."""

    async def tell(self, identity: str) -> None:
        """Messages: whole, problem, containers, images, volumes (changed rows, removed ids); first also `command`."""
        follower: Follower = self.settings[FOLLOWER]
        follower.enter()
        try:
            await self.say({"command": command()})
            seen = None
            while True:
                picture = await follower.next(seen)
                # Who was slow skips pictures, and gets the difference to the one that he has.
                if (changes := picture.changes(seen)) is not None:
                    await self.say(changes)
                seen = picture
        finally:
            follower.leave()


def command() -> str:
    """Where the `ipycontainer` command of this environment is: a terminal's PATH may know another or none."""
    beside = Path(sys.executable).parent / "ipycontainer"
    return str(beside) if beside.exists() else shutil.which("ipycontainer") or "ipycontainer"
