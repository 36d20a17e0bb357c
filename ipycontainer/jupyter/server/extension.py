"""The addresses below /ipycontainer, and what is behind each."""

from __future__ import annotations

from jupyter_server.utils import url_path_join

from ipycontainer.jupyter.server import actions, doctor, logs, stream, usage
from ipycontainer.jupyter.server.follower import Follower
from ipycontainer.jupyter.server.handler import SETTING, Room

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from jupyter_server.serverapp import ServerApp

    from ipycontainer.engine.engine import Engine

_ID = "([a-zA-Z0-9][a-zA-Z0-9_.-]*)"  # a name or an id

ADDRESSES: tuple[tuple[str, type[Any]], ...] = (
    ("stream", stream.StreamHandler),
    ("containers", actions.ContainersHandler),
    (f"containers/{_ID}", actions.ContainerHandler),
    (f"containers/{_ID}/logs", logs.LogsHandler),
    (f"containers/{_ID}/(start|stop|kill|pause|unpause)", actions.ActionHandler),
    ("images", actions.ImagesHandler),
    (f"volumes/{_ID}", actions.VolumeHandler),
    ("usage", usage.UsageHandler),
    ("doctor", doctor.DoctorHandler),
)


def load(server: ServerApp) -> None:
    """Adds the handlers; nothing of the engine is loaded before the first question."""
    application = server.web_app
    room = Room(make_engine)
    application.settings[SETTING] = room
    application.settings[stream.FOLLOWER] = Follower(room)
    base = application.settings["base_url"]
    application.add_handlers(
        ".*$", [(url_path_join(base, "ipycontainer", address), handler) for address, handler in ADDRESSES]
    )


def make_engine() -> Engine:
    """The user's own store, or the one that IPYCONTAINER_ROOT names to the server."""
    from ipycontainer.engine.engine import Engine

    return Engine()
