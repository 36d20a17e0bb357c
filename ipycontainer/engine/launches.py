"""What a start or an exec hands to the runtime, from what create wrote down."""

from __future__ import annotations

import os

from ipycontainer.engine import kinds
from ipycontainer.errors import InputError, WrongState
from ipycontainer.runtime.container_state import PAUSED, RESTARTING, RUNNING
from ipycontainer.runtime.launch import Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine

GENERATION = "0"


def launch_of(engine: Engine, container: Container, attach: bool, stdin: bool, size: tuple[int, int] | None) -> Launch:
    """The Launch of a start."""
    written = container.written or engine.directory.read_launch(container.id)
    rows, columns = size or (0, 0)
    launch = Launch(
        **_places(engine, container),
        spec=written["spec"],
        lowers=written["lowers"],
        etc=written["etc"],
        etc_folder=engine.etc_folder,
        user=written["user"],
        init=written["init"],
        remove=written["remove"],
        terminal=written["terminal"],
        attach=attach,
        stdin=stdin or (written["interactive"] and not attach),
        stdin_once=stdin or written.get("stdin_once", False),
        rows=rows,
        columns=columns,
        restart=written.get("restart", ""),
        retries=written.get("retries", 0),
        **written.get("log", {}),
        **{name: written[name] for name in ("volumes", "health") if name in written},
    )
    if any(item.get("path") for item in launch.spec["linux"]["namespaces"]):
        from ipycontainer.engine.sharing import joined

        launch = joined(engine, launch)
    return launch


def _places(engine: Engine, container: Container) -> dict[str, Any]:
    return {
        "id": container.id,
        "name": container.name,
        "generation": os.path.join(container.folder, GENERATION),
        "folder": container.folder,
        "run": container.run_folder,
        "staging": os.path.join(engine.launcher.run, "root"),
        "names": engine.directory.names_folder,
        "journal": engine.journal.path,
        "trash": os.path.join(engine.root, "trash"),
    }


def need_running(container: Container) -> None:
    """An exec needs a container that runs.  Raises WrongState, NoSuchContainer."""
    container.must_be_there()
    status = container.status
    if status == PAUSED:
        raise WrongState(f"Container {container.name} is paused, unpause the container before exec")
    refuse_restarting(container, status)
    if status != RUNNING:
        raise WrongState(
            f"Container {container.id} is not running; start it with `ipycontainer start {container.name}`"
        )


def refuse_restarting(container: Container, status: str) -> None:
    """Between two of its starts there is no process to do anything with.  Raises WrongState, in docker's words."""
    if status == RESTARTING:
        raise WrongState(f"Container {container.id} is restarting, wait until the container is running")


def exec_launch(
    engine: Engine,
    container: Container,
    command: Sequence[str] | str,
    *,
    env: Mapping[str, str | int | None] | Sequence[str],
    user: str | int,
    workdir: str,
    interactive: bool,
    tty: bool,
    detach: bool,
    size: tuple[int, int] | None,
    privileged: bool = False,
) -> Launch:
    """The Launch of an exec: the container's own process with other arguments; privileged: every capability."""
    arguments, added = kinds.words(command, "command"), kinds.pairs(env, "env")
    user = str(user) if isinstance(user, int) else kinds.text(user or "", "user")
    workdir = kinds.text(workdir or "", "workdir")
    if not arguments:
        raise InputError("an exec needs a command; give one after the container's name")
    written = engine.directory.read_launch(container.id)
    rows, columns = size or (0, 0)
    process = dict(written["spec"]["process"], args=list(arguments))
    values = dict(pair.partition("=")[::2] for pair in process["env"])
    if tty:
        values.setdefault("TERM", "xterm")
    for name, equals, value in (pair.partition("=") for pair in added):
        values[name] = value
        if not equals:
            del values[name]  # docker: a name without a value takes the variable away
    process["env"] = [f"{name}={value}" for name, value in values.items()]
    if workdir:
        process["cwd"] = workdir
    if privileged:
        from ipycontainer.engine.specification import capability_set

        process["capabilities"] = dict.fromkeys(process["capabilities"], capability_set(("ALL",), ()))
    return Launch(
        **_places(engine, container),
        spec={
            "process": process,
            "linux": {"seccomp": written["spec"].get("linux", {}).get("seccomp")},
            "annotations": written["spec"].get("annotations", {}),
        },
        lowers=[],
        etc={},
        etc_folder="",
        user=user or written["user"],
        terminal=tty,
        attach=not detach,
        stdin=interactive and not detach,
        rows=rows,
        columns=columns,
    )
