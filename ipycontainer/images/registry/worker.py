"""A process that fetches layers for a pull, one after another: a layer is decompressed on a processor of its own.

python -m ipycontainer.images.registry.worker   <- a JSON line for each layer   -> JSON lines: progress, then an end

It ends when its stdin does, or when nobody reads what it says any more.
"""

from __future__ import annotations

import os
import sys
import time

from ipycontainer.errors import Error, to_wire
from ipycontainer.images.layers import Layers
from ipycontainer.images.layout import Layout, writing
from ipycontainer.images.registry.client import Client
from ipycontainer.images.registry.download import fetch_layer
from ipycontainer.images.registry.endpoint import Endpoint, Origin
from ipycontainer.json_text import dumps, loads
from ipycontainer.launcher.client import Launcher
from ipycontainer.oci.descriptor import Descriptor
from ipycontainer.oci.digest import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_EVERY = 0.1


def main() -> None:
    """Work until there is no more; the first line says for whom."""
    about = loads(sys.stdin.buffer.readline())
    endpoint = Endpoint(Origin(*about["origin"]), about["credentials"])
    layout = Layout(os.path.join(about["root"], "images"))
    launcher = Launcher(about["root"])
    folder = os.path.join(about["root"], "layers")
    layers = Layers(folder, launcher.ask, lambda: launcher.mode, ignore_ids=about["ignore_ids"])
    with Client(endpoint) as client:
        for line in sys.stdin.buffer:
            told = _Told()
            try:
                with writing(about["root"]):
                    _fetch(client, loads(line), layout, layers, told)
            except Error as error:
                _say({"error": to_wire(error)})
            else:
                _say({"end": True})


def _fetch(client: Client, task: dict[str, Any], layout: Layout, layers: Layers, told: _Told) -> None:
    layer = Descriptor(task["media_type"], Digest(task["digest"]), int(task["size"]))
    fetch_layer(client, task["url"], task["scope"], layer, Digest(task["diff_id"]), layout, layers, told)


class _Told:
    """Progress, not more often than anybody can see."""

    def __init__(self) -> None:
        self._state = ""
        self._when = 0.0

    def __call__(self, state: str, done: int, total: int) -> None:
        now = time.monotonic()
        if state != self._state or now - self._when >= _EVERY:
            self._state, self._when = state, now
            _say({"state": state, "done": done, "total": total})


def _say(document: dict[str, Any]) -> None:
    os.write(1, dumps(document).encode() + b"\n")


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(1)  # whom this was for is gone
