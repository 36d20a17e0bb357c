"""What tests take out of a copy of the package stands there once: code that was moved is seen here, within a second."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.personas import CHECKOUT

PACKAGE = CHECKOUT / "ipycontainer"


def edits(value: object, depth: int = 0) -> Iterator[tuple[str, str, str]]:
    """Those (tests.hostile.copies.Edit) in a module's constant: one, or lists and tables of them."""
    if isinstance(value, tuple) and len(value) == 3 and all(isinstance(item, str) for item in value):
        if value[0].endswith(".py") and (PACKAGE / value[0]).exists():
            yield value
    elif isinstance(value, (list, tuple, dict)) and depth < 4:
        for item in value.values() if isinstance(value, dict) else value:
            yield from edits(item, depth + 1)


def is_python(source: str) -> bool:
    """Not where a line alone was moved under another's roof: the rest of the edit's line is wrong then."""
    try:
        compile(source, "edited", "exec")
    except SyntaxError:
        return False
    return True


def test_each_edit_is_to_what_is_there():
    found, amiss = 0, []
    for path in sorted(Path(CHECKOUT, "tests").rglob("test_*.py")):
        if "Edit" not in path.read_text() or path == Path(__file__):
            continue
        module = ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)
        for name, value in vars(importlib.import_module(module)).items():
            for file, old, new in edits(value):
                found += 1
                source = (PACKAGE / file).read_text()
                if source.count(old) != 1 or not is_python(source.replace(old, new)):
                    amiss.append(f"{module}.{name}: {old!r} in {file}")
    assert found > 20 and amiss == []
