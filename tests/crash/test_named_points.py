"""SIGKILL and failure of every process at every named point: what is left agrees, and the next run works."""

from __future__ import annotations

import pytest

from tests.crash.build import NO_SLOTS, test_build
from tests.crash.points import POINTS, may_fail
from tests.hostile.copies import Copy
from tests.personas import Persona


def walked(copy: Copy, cases: list[tuple[str, str, str]]) -> dict[str, list[str]]:
    """What the driver says after these faults."""
    found: dict[str, list[str]] = copy.told(
        f"""
        import driver
        tell(driver.Driver(engine).walk({cases!r}))
        """,
        timeout=100,
    )
    return found


def cases_of(kind: str) -> list[tuple[str, str, str]]:
    names = [row[0].rstrip("!") for row in POINTS[kind]]
    return [(name, action, kind) for name in names for action in ("kill", "fail") if action == "kill" or may_fail(name)]


@pytest.mark.parametrize("kind", POINTS)
def test_every_named_point(persona: Persona, kind: str):
    persona.ok("run", "--rm", "base", "true", timeout=120)
    with test_build(persona) as copy:
        said = walked(copy, cases_of(kind))
    assert said["troubles"] == [], "\n".join(said["troubles"])
    assert said["missed"] == []
