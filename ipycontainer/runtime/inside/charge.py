"""What PID 1 tells the monitor: all that is needed from the program's first instruction to the end."""

from __future__ import annotations

import os

from ipycontainer.json_text import loads
from ipycontainer.record import Record
from ipycontainer.runtime.launch import IMAGE, LABELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.runtime.launch import Launch


class Charge(Record):
    """One container, for whoever records and sweeps it.

    started: seconds since the epoch; leaves: its cgroups; devices: where the group is that it shares with others
    (v1); volumes: name, folder, destination, rw, fill, anonymous of each that it uses;
    attach, stdin, terminal: which of its streams there are; remove: --rm; shares_pids: its processes do not
    die with the first; stdin_once, log_size, log_files, rows, columns: see Launch;
    restarts: how often its policy has started it since somebody did.
    """

    id: str
    name: str
    image: str
    labels: dict[str, str]
    folder: str
    run: str
    names: str
    journal: str
    trash: str
    remove: bool
    attach: bool
    stdin: bool
    terminal: bool
    started: float
    leaves: tuple[str, ...] = ()
    devices: str = ""
    log_size: int = 0
    log_files: int = 0
    restarts: int = 0
    volumes: Sequence[dict[str, Any]] = ()
    shares_pids: bool = False
    stdin_once: bool = False
    rows: int = 0
    columns: int = 0

    @property
    def log_folder(self) -> str:
        """Where its output is kept."""
        return os.path.join(self.folder, "log")

    @property
    def anonymous(self) -> list[str]:
        """The names of the volumes that go with the container."""
        return [str(volume["name"]) for volume in self.volumes if volume["anonymous"]]


def image_of(launch: Launch) -> str:
    """The name of the image that it was made from, as it was asked for."""
    return str(launch.spec.get("annotations", {}).get(IMAGE, ""))


def labels_of(launch: Launch) -> dict[str, str]:
    """Its labels, which its events bear."""
    text = launch.spec.get("annotations", {}).get(LABELS)
    return dict(loads(text)) if text else {}


def charge_of(launch: Launch, started: float, leaves: tuple[str, ...] = (), devices: str = "") -> Charge:
    """The charge of a start that begins at `started`."""
    return Charge(
        id=launch.id,
        name=launch.name,
        image=image_of(launch),
        labels=labels_of(launch),
        folder=launch.folder,
        run=launch.run,
        names=launch.names,
        journal=launch.journal,
        trash=launch.trash,
        remove=launch.remove,
        attach=launch.attach,
        stdin=launch.stdin,
        terminal=launch.terminal,
        started=started,
        leaves=leaves,
        devices=devices,
        log_size=launch.log_size,
        log_files=launch.log_files,
        stdin_once=launch.stdin_once,
        rows=launch.rows,
        columns=launch.columns,
        volumes=launch.volumes,
    )
