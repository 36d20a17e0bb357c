"""The side bar's other half: containers, images and volumes over HTTP, in JupyterLab's own server.

extension.py   what jupyter_server loads; addresses and their handlers
handler.py     what every handler shares: who may, threads, errors as a status and a sentence
rows.py        a container, an image and a volume as JSON for the side bar
follower.py    one watch over the store for all who listen
stream.py      the stream of changes (a websocket)
logs.py        a container's output (a websocket)
actions.py     start, stop, remove, run
usage.py       memory and CPU
plain.py       text from inside a container, made harmless to look at
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Adds the addresses below /ipycontainer to `server`."""
    from ipycontainer.jupyter.server.extension import load

    load(server)
