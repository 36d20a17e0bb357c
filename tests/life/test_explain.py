"""`--explain`: the plan in words is the plan that runs, and explaining makes nothing."""

from __future__ import annotations

import os

import pytest

from ipycontainer.engine.engine import Engine
from ipycontainer.errors import NoSuchImage
from tests.crash.build import built
from tests.life.inside import with_engine
from tests.personas import Persona

COMPARE = """
import driver, step_points
from ipycontainer.engine.explanation import explain
walker = driver.Driver(engine)
told = explain(engine, walker.everything(False))
listed = [f"{step.part}.{step.name}" for step in told if step.part in ("outside", "inside", "last")]
points = step_points.StepPoints(walker).cold()
walked = [".".join(name.split(".")[1:4:2]) for name in points if name.endswith(".before")]
tell([listed, walked])
"""


def test_what_is_explained_is_what_runs(persona: Persona):
    """tests/crash/test_named_points.py kills and fails these very steps, one by one, and each is reached."""
    with built(persona) as copy:
        listed, walked = copy.told(COMPARE)
    assert listed == walked
    assert len(listed) > 25


def test_the_plan_in_a_terminal(fresh_persona: Persona):
    text = fresh_persona.ok("run", "--explain", "--name", "web", "-v", "./new:/work", "base", "echo", "hi")
    for word in ("PivotRoot", "pivot_root(2)", "chroot can be", "/proc/self/mountinfo", "echo hi"):
        assert word in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100
    assert fresh_persona.ok("create", "--explain", "base", "true").splitlines()[2:9] == text.splitlines()[2:9]
    # Nothing was made, not even the store, its launcher or the folder that -v would make.
    assert not fresh_persona.store.exists()
    assert os.listdir(fresh_persona.work) == []
    assert not any(folder.exists() for folder in fresh_persona.run_folders())


def test_every_step_says_why_and_how(persona: Persona):
    steps = with_engine(
        persona,
        "tell([[step.name, step.call, step.why] for step in "
        "engine.explain('base', 'true', init=True, read_only=True, ulimits={'nofile': 9}, tmpfs=['/run'])])",
    )
    assert len(steps) > 25
    assert [step for step in steps if not all(step)] == []


def test_what_cannot_be_made_cannot_be_explained(persona: Persona):
    assert "Unable to find image" in persona.cli("run", "--explain", "nosuch", "true").err
    assert "absolute path" in persona.cli("run", "--explain", "-w", "here", "base", "true").err
    assert "minimum memory" in persona.cli("run", "--explain", "-m", "1k", "base", "true").err


def test_explaining_does_not_make_what_is_refused_elsewhere(tmp_path):
    with pytest.raises(NoSuchImage):
        Engine(str(tmp_path)).explain("nosuch")
    with pytest.raises(TypeError):
        Engine(str(tmp_path)).explain("base", nosuch=True)
    assert os.listdir(tmp_path) == []


def test_hostile_words_move_no_cursor(tmp_path):
    told = Engine(str(tmp_path)).explain("base", ["echo", "\x1b[2J<script>"])
    assert "\x1b" not in repr(told) and "\\x1b[2J" in repr(told)
