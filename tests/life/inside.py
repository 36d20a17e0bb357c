"""What the suites of running containers share: a script in a container, the Engine as a persona, records edited."""

from __future__ import annotations

import json
import os
import textwrap
import time
from collections.abc import Callable
from typing import Any

from tests.personas import Finished, Persona

_HEAD = """
import json, os, sys
from ipycontainer import Engine, errors
engine = Engine()
def tell(value):
    print(json.dumps(value))
"""


def sh(persona: Persona, script: str, *options: str) -> str:
    """What a shell script in a container of its own says; it must succeed."""
    return persona.ok("run", "--rm", *options, "base", "sh", "-c", script)


def attempt(persona: Persona, script: str, *options: str) -> Finished:
    """The same where it may fail."""
    return persona.cli("run", "--rm", *options, "base", "sh", "-c", script)


def python(persona: Persona, script: str, *options: str) -> str:
    """What a Python program in a container of its own says; it must succeed."""
    return persona.ok("run", "--rm", *options, "base", "python3", "-c", textwrap.dedent(script))


def with_engine(persona: Persona, code: str, **options: Any) -> Any:
    """Code with an `engine`, in a process of the persona; what it gave to `tell`."""
    return persona.python(_HEAD + textwrap.dedent(code), **options)


def detached(persona: Persona, *words: str, **options: Any) -> str:
    """`run -d WORDS`: the container's id."""
    return persona.ok("run", "-d", *words, **options)


def state(persona: Persona, container: str) -> dict[str, Any]:
    """docker's State of a container."""
    found: dict[str, Any] = json.loads(persona.ok("inspect", container))[0]["State"]
    return found


def alive_record(persona: Persona, container: str) -> dict[str, Any]:
    """What a living monitor wrote of itself and its container (pid, monitor, cgroups, …)."""
    path = persona.run_folders()[0] / "containers" / container / "alive"
    found: dict[str, Any] = {}
    for line in path.read_text().splitlines():
        found.update(json.loads(line))
    return found


def edit_start(persona: Persona, container: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change how a created container will start: a guard off, a step more.  The owner could do so too."""
    path = persona.store / "containers" / container / "container.jsonl"
    what, how, *_ = path.read_text().splitlines()
    start = json.loads(how)
    change(start)
    path.write_text(f"{what}\n{json.dumps(start)}\n")


def until(true: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    """Waits for an event that nobody announces."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def one_sentence(done: Finished, *, code: int) -> str:
    """The one line of a failure, with this exit code and no output beside it."""
    assert done.exit_code == code, done
    lines = done.err.strip().splitlines()
    assert done.out == "" and len(lines) == 1 and "Traceback" not in done.err, done
    return lines[0]


def run_folder_entries(persona: Persona) -> list[str]:
    """The run folders of containers that are there."""
    return os.listdir(persona.run_folders()[0] / "containers")
