"""SIGKILL of whoever brings or removes an image: at every named point, and at random instants.

After each, `system check` finds nothing damaged, what was reported done is there, and the next try succeeds.
IPYCONTAINER_KILLS: how many instants of each verb (10); IPYCONTAINER_KILL_SEED: for the same ones again;
IPYCONTAINER_CRASHES_AS=all: as every account.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.build import NO_SLOTS, built
from tests.crash.points import IMAGE_POINTS, may_fail
from tests.crash.test_named_points import WHO
from tests.hostile.copies import Copy, Edit
from tests.images.layouts import docker_archive
from tests.images.registries import Registry, needs_registry, random_bytes
from tests.images.tars import file, folder, symlink, tar
from tests.personas import Persona

COUNT = int(os.environ.get("IPYCONTAINER_KILLS", "10"))
SEED = int(os.environ.get("IPYCONTAINER_KILL_SEED") or int.from_bytes(os.urandom(3), "little"))
DRIVER = Path(__file__).parent / "kill_driver.py"

pytestmark = [needs_registry, pytest.mark.timeout(900), pytest.mark.personas(*WHO)]


def layers() -> list[bytes]:
    """Enough that a kill finds them half there, and little enough to do it often."""
    return [
        tar(
            folder(f"d{layer}"),
            *(file(f"d{layer}/{number}", random_bytes(9000), uid=number % 3) for number in range(120)),
            symlink("link", "d"),
        )
        for layer in "abc"
    ]


@contextmanager
def ready(persona: Persona, verb: str, folder: Path, edits: list[Edit] | None = None) -> Iterator[tuple[Copy, str]]:
    """A test build, and the code that makes its driver."""
    archive = docker_archive((("loaded:1",), layers()))
    path = persona.path("loaded.tar", archive)
    about = {"archive": str(path), "loaded": "loaded:1", "pulled": ""}
    registry = Registry(folder / "registry", "plain") if verb == "pull" else None
    try:
        if registry:
            about["pulled"] = f"{registry.address}/image:1"
            persona.ok("load", "-i", path)
            persona.ok("tag", "loaded:1", about["pulled"])
            persona.ok("push", "-q", about["pulled"])
            persona.ok("rmi", "loaded:1")
            persona.ok("rmi", about["pulled"])
            persona.ok("system", "shutdown")
        with built(persona, edits or [], [DRIVER]) as copy:
            yield copy, f"{NO_SLOTS}import kill_driver\ndriver = kill_driver.KillDriver(engine, {about!r})\n"
    finally:
        if registry:
            registry.close()


@pytest.mark.parametrize("verb", IMAGE_POINTS)
def test_at_every_named_point(fresh_persona: Persona, verb: str, tmp_path: Path):
    names = [row[0].rstrip("!") for row in IMAGE_POINTS[verb]]
    todo = [(name, action) for name in names for action in ("kill", "fail") if action == "kill" or may_fail(name)]
    with ready(fresh_persona, verb, tmp_path) as (copy, code):
        said = copy.told(f"{code}tell(driver.walk({verb!r}, {todo!r}))", timeout=800)
    assert said["troubles"] == [], "\n".join(said["troubles"])
    assert said["missed"] == [], "points that nothing reaches any more"


@pytest.mark.parametrize("verb", IMAGE_POINTS)
def test_at_random_instants(fresh_persona: Persona, verb: str, tmp_path: Path):
    print(f"IPYCONTAINER_KILL_SEED={SEED} IPYCONTAINER_KILLS={COUNT}")
    with ready(fresh_persona, verb, tmp_path) as (copy, code):
        said = copy.told(f"{code}tell(driver.instants({verb!r}, {SEED}, {COUNT}))", timeout=800)
    print(verb, said["hit"])
    assert said["troubles"] == [], "\n".join(said["troubles"])
    assert sum(said["hit"].values()) == COUNT


def test_without_the_sweep_the_walk_is_red(fresh_persona: Persona, tmp_path: Path):
    unswept: Edit = ("images/layers.py", "        self._remove(dead)\n", "        return\n")
    with ready(fresh_persona, "load", tmp_path, [unswept]) as (copy, code):
        said = copy.told(f"{code}tell(driver.walk('load', [('client.load-tree-publish', 'kill')]))", timeout=100)
    assert any("a tree whose maker is gone" in line for line in said["troubles"]), said
    # The next launcher of the shipped package finds it; without that the store could not be removed.
    fresh_persona.ok("load", "-i", "loaded.tar")
    fresh_persona.ok("rmi", "loaded:1")
