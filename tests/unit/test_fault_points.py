"""The points at which the crash tests kill are there: a function that was moved is seen here, within a second."""

from __future__ import annotations

import importlib
from typing import Any

from tests.crash.points import BECOMES, WALK, every_row
from tests.personas import CHECKOUT

WHO_THERE = ("client", "launcher", "monitor", "starter", "slot", "child", "job", "sweeper", "prober", "worker")


def test_the_package_has_nothing_of_it():
    for file in (CHECKOUT / "ipycontainer").rglob("*.py"):
        assert "fault_switch" not in file.read_text() and "IPYCONTAINER_FAULT" not in file.read_text(), file


def test_every_seam_is_there():
    for seam in {WALK, *BECOMES, *(row[1] for row in every_row().values())}:
        module, _, path = seam.partition(":")
        found: Any = vars(importlib.import_module(f"ipycontainer.{module}"))
        owner, _, attribute = path.rpartition(".")
        if owner:
            found = vars(found[owner])
        # In this very namespace, as the test build wraps it: an inherited or imported one would not be reached.
        assert callable(found[attribute]), seam


def test_every_point_says_what_lies_there():
    for name, (_, _, side, lies) in every_row().items():
        assert name.partition(".")[0] in WHO_THERE, name
        assert side in ("before", "after") and lies, name
