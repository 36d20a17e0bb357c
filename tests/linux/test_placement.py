"""Where a file system puts what is made in a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ipycontainer.linux import placement
from tests.personas import Persona


def is_spread(folder: Path) -> bool | None:
    """What lsattr(1) says; None where the file system knows no such thing."""
    words = subprocess.run(["lsattr", "-d", str(folder)], capture_output=True, text=True)
    return "T" in words.stdout.split()[0] if words.stdout else None


def test_a_folder_is_marked_where_that_is_known(tmp_path: Path):
    before = is_spread(tmp_path)
    assert placement.spread(str(tmp_path)) is (before is not None)
    assert is_spread(tmp_path) is (None if before is None else True)
    assert not placement.spread("/proc")
    assert not placement.spread(str(tmp_path / "nowhere"))


def test_a_new_stores_containers_are_spread(fresh_persona: Persona):
    fresh_persona.ok("create", "base", "true")
    known = is_spread(fresh_persona.folder) is not None
    for name in ("containers", "slots"):
        assert (fresh_persona.store / name).is_dir()
        assert is_spread(fresh_persona.store / name) is (True if known else None)
    assert not is_spread(fresh_persona.store / "names")
