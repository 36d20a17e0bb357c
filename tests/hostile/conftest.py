"""Every test of this suite leaves its persona's store without containers."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.personas import Persona


@pytest.fixture(autouse=True)
def _no_containers_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "persona" not in request.fixturenames:
        return
    persona: Persona = request.getfixturevalue("persona")
    folder = persona.store / "containers"
    if folder.exists() and os.listdir(folder):
        persona.remove_containers()
