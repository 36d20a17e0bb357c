"""What a docstring shows is what happens."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import ipycontainer

_ROOT = Path(ipycontainer.__file__).parent
_SHOWING = sorted(path for path in _ROOT.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", _SHOWING, ids=lambda path: str(path.relative_to(_ROOT)))
def test_examples(path: Path) -> None:
    name = ".".join(path.relative_to(_ROOT.parent).with_suffix("").parts)
    assert doctest.testmod(importlib.import_module(name)).failed == 0
