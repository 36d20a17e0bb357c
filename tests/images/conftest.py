"""Fixtures of the images' suites."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.forked import Bench
from tests.images.place import Place
from tests.personas import Persona


@pytest.fixture
def bench(persona: Persona) -> Iterator[Bench]:
    """A folder in which this persona unpacks layers, as its launcher would."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=persona.folder))
    folder.chmod(0o755)
    found = Bench(persona, folder)
    yield found
    found.clear()
    folder.rmdir()


@pytest.fixture
def place(persona: Persona, tmp_path: Path) -> Place:
    """An empty store of this process's own account; take `own` with it."""
    if persona.uid != os.geteuid():
        pytest.fail("these tests run the client's side in this very process")
    return Place(persona, tmp_path)
