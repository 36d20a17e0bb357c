"""A store whose client's side runs in the test's own process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipycontainer.images.store import Store
from tests.images.forked import MODES, ask_as
from tests.personas import Persona

own = pytest.mark.personas("root") if os.geteuid() == 0 else pytest.mark.personas("user", "solo")


class Place:
    """A store of this process's own account, and its archive file."""

    def __init__(self, persona: Persona, folder: Path) -> None:
        self.root = folder / "store"
        self.root.mkdir()
        self.persona = persona
        self.path = folder / "archive.tar"

    @property
    def store(self) -> Store:
        """Opened anew, as the next process would."""
        return Store(str(self.root), ask_as(self.persona), lambda: MODES[self.persona.name])

    def load(self, raw: bytes) -> list[str]:
        self.path.write_bytes(raw)
        return self.store.load(str(self.path))

    def names(self) -> set[str]:
        """Everything in the store but its locks and the files that only speed it up."""
        # os.walk passes over a folder that goes meanwhile: a job of the dead may still be at work.
        places = [(place, name) for place, *lists in os.walk(self.root) for names in lists for name in names]
        found = {os.path.relpath(os.path.join(*one), self.root) for one in places}
        found = {name for name in found if "/tree/" not in name}
        return {name for name in found if not name.endswith("lock") and "launch" not in name}
