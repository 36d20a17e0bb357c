"""A store whose disk is full: what fills it can be ended, and how it ended is known."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.life.inside import until
from tests.personas import Persona

pytestmark = pytest.mark.personas("root")
Ask = Callable[..., str]


@pytest.fixture
def small(persona: Persona, nothing_left: None) -> Iterator[tuple[Path, Ask]]:
    """A store on an ext4 of its own, with `base`, and no block that is root's alone."""
    image, folder = persona.path("disk.img"), persona.path("disk")
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(200 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    store = folder / "store"

    def ask(*words: str, **options: Any) -> str:
        return persona.ok("--root", str(store), *words, **options)

    try:
        ask("run", "--rm", "base", "true", timeout=120)
        yield folder, ask
        for container in ask("ps", "-aq").split():
            ask("rm", "-f", container)
    finally:
        ask("system", "shutdown")
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()
        image.unlink()


def fill(folder: Path) -> None:
    """The last byte: what is left at last is less than a block."""
    with (folder / "filling").open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def _state(ask: Ask, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask("inspect", name))[0]["State"]
    return found


def test_its_exit_is_known(small: tuple[Path, Ask]):
    folder, ask = small
    ask("run", "-d", "--name", "ends", "base", "sh", "-c", "until [ -e /go ]; do sleep 0.05; done; exit 7")
    ask("exec", "ends", "touch", "/going")
    fill(folder)
    ask("exec", "ends", "mv", "/going", "/go")
    assert ask("wait", "ends") == "7"
    found = _state(ask, "ends")
    assert (found["Status"], found["ExitCode"], found["ExitKnown"]) == ("exited", 7, True)


@pytest.mark.parametrize("words", [("stop", "-t", "0"), ("kill",), ("rm", "-f")], ids=" ".join)
def test_what_a_policy_would_start_again_is_ended(small: tuple[Path, Ask], words: tuple[str, ...]):
    folder, ask = small
    ask("run", "-d", "--name", "again", "--restart", "always", "base", "sleep", "1000")
    fill(folder)
    ask(*words, "again")
    if words[0] == "rm":
        assert ask("ps", "-aq") == ""
    else:
        until(lambda: _state(ask, "again")["Status"] == "exited", "it has ended, and stays so")
