"""The processes of a container, as the host's own ps shows them."""

from __future__ import annotations

import os
import subprocess

from ipycontainer.engine import kinds
from ipycontainer.engine.launches import refuse_restarting
from ipycontainer.errors import Error, WrongState
from ipycontainer.linux import cgroups
from ipycontainer.linux.process_usage import processes_of_namespace
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.engine.container import Container
    from ipycontainer.runtime.container_state import State


_LONGEST_WORD = 128 << 10  # MAX_ARG_STRLEN, execve(2): of more than some 20000 processes


class Processes(Record):
    """ps's headings, and a row for each process."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def top(container: Container, options: Sequence[str] | str = ()) -> Processes:
    """What ps says with these `options` (-ef) about the container's processes, numbered as the host does."""
    state = container.state()
    if not state.runs:
        raise WrongState(f"Container {container.id} is not running")
    refuse_restarting(container, state.status)
    pids = pids_of(state)
    words, named = list(kinds.words(options, "options")) or ["-ef"], ",".join(map(str, pids))
    asked = [*words, "-q", named] if len(named) < _LONGEST_WORD else words
    done = _ps(asked)
    if done.returncode and asked is not words:
        done = _ps(words)  # a ps that has no -q, or options that it does not go with
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Error(f"ps: {said[0] if said else 'it failed'}: give other options, ps(1) lists them")
    return _select(done.stdout.decode("utf-8", "replace"), set(pids))


def pids_of(state: State) -> list[int]:
    """Its processes, from its control group, or where it has none from its pid namespace."""
    return cgroups.processes(state.cgroups) or processes_of_namespace(state.pid)


def _ps(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    # Wide: what is not a terminal has no edge to cut lines at.
    environment = {**os.environ, "COLUMNS": "32767"}
    try:
        return subprocess.run(
            ["ps", *words], stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=60, check=False
        )
    except FileNotFoundError:
        raise Error("top needs the host's ps, and there is none: install procps") from None
    except subprocess.TimeoutExpired:
        raise Error("ps did not answer within a minute: give it other options") from None


def _select(text: str, pids: set[int]) -> Processes:
    """The lines of these processes; the last column may hold blanks."""
    lines = text.split("\n")  # a name may hold what Python, too, calls an end of a line
    titles = tuple(lines[0].split()) if lines else ()
    if "PID" not in titles:
        raise Error("Couldn't find PID field in ps output: let ps show it, for instance with -o pid,comm")
    at, last = titles.index("PID"), len(titles) - 1
    rows = []
    for line in lines[1:]:
        cells = line.split(None, last)
        if len(cells) > at and cells[at].isdecimal() and int(cells[at]) in pids:
            rows.append(tuple(cell.strip() for cell in cells))
    return Processes(titles, tuple(rows))
