"""Launchers are what is killed here: none before a test, none after it, and no name left of anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import names
from tests.personas import Persona


@pytest.fixture(autouse=True)
def nothing_left_at_last(request: pytest.FixtureRequest) -> Iterator[None]:
    if "persona" not in request.fixturenames:
        yield
        return
    persona: Persona = request.getfixturevalue("persona")
    folder: Path = request.getfixturevalue("_folder")
    persona.ok("run", "--rm", "base", "true", timeout=120)
    persona.ok("system", "shutdown")

    def look() -> names.Names:
        return names.snapshot(str(folder), [persona.store, *persona.run_folders()], persona.store / "events")

    before = names.settled(look)
    yield
    persona.remove_containers()
    # A slot of a killed launcher is no container, so no look finds it: the next launcher does.
    persona.ok("run", "--rm", "base", "true", timeout=60)
    persona.ok("system", "shutdown")
    names.assert_same(before, look)
