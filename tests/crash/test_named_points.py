"""SIGKILL and failure of every process at every named point: what is left agrees, and the next run works."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.crash.build import NO_SLOTS, built
from tests.crash.points import POINTS, may_fail
from tests.hostile.copies import Copy
from tests.life.test_limits import V1
from tests.personas import Persona

# All three take a quarter of an hour: every day the walk is root's, and IPYCONTAINER_CRASHES_AS=all is everybody's.
WHO = ("root", "user", "solo") if os.environ.get("IPYCONTAINER_CRASHES_AS") == "all" else ("root",)
pytestmark = [pytest.mark.timeout(330), pytest.mark.personas(*WHO)]

Case = tuple[str, str, str]


def told(copy: Copy, expression: str, before: str = "") -> Any:
    """What the driver of a test build says."""
    return copy.told(f"{before}import driver\ntell(driver.Driver(engine).{expression})", timeout=300)


def points(copy: Copy, which: str, before: str = "") -> list[str]:
    """The names of one kind of step points (step_points.py)."""
    code = f"{before}import driver, step_points\ntell(step_points.StepPoints(driver.Driver(engine)).{which}())"
    return list(copy.told(code))


def cases(names: list[str], kind: str) -> list[Case]:
    """Kill at each point, and fail where that makes sense."""
    return [(name, action, kind) for name in names for action in ("kill", "fail") if action == "kill" or may_fail(name)]


def walk(copy: Copy, todo: list[Case], before: str = "") -> None:
    """Every case leaves no trouble, and is reached: on a busy machine a slot may not be ready at the first try."""
    missed: list[str] = []
    for _ in range(3):
        said = told(copy, f"walk({todo!r})", before)
        assert said["troubles"] == [], "\n".join(said["troubles"])
        missed = said["missed"]
        todo = [case for case in todo if f"{case[2]}: {case[0]}={case[1]}" in missed]
        if not todo:
            break
    assert missed == [], "points that nothing reaches any more"


@pytest.mark.parametrize("kind", POINTS)
def test_every_named_point(persona: Persona, kind: str):
    if kind == "frozen" and not (persona.is_root and V1):
        return  # cgroup v2 kills a group at once, and an ordinary user has none on v1
    names = [row[0].rstrip("!") for row in POINTS[kind]]
    with built(persona) as copy:
        walk(copy, cases(names, kind))


@pytest.mark.parametrize("half", ["outside and inside", "last"])
def test_every_step_of_a_full_plan(persona: Persona, half: str):
    """The cold way, with everything asked for that adds a step."""
    with built(persona) as copy:
        names = [name for name in points(copy, "cold", NO_SLOTS) if (".last." in name) == (half == "last")]
        assert len(names) > 10
        walk(copy, cases(names, "everything"), NO_SLOTS)


def test_every_step_of_an_exec(persona: Persona):
    with built(persona) as copy:
        names = points(copy, "exec")
        assert len(names) > 8
        walk(copy, cases(names, "executed in full"))


def test_the_steps_that_come_to_anothers_processes(persona: Persona):
    if not (persona.is_root or not V1):
        return  # without a control group no pid namespace is shared
    with built(persona) as copy:
        names = points(copy, "beside")
        assert len(names) > 6, names
        walk(copy, cases(names, "beside"))


def test_every_step_that_a_slot_walks_ahead(persona: Persona):
    with built(persona) as copy:
        names = points(copy, "slot")
        assert len(names) > 4
        walk(copy, cases(names, "kept"))


def test_the_command_line_takes_the_switch_from_its_environment(persona: Persona):
    """Only of a test build: the shipped package does not know the word."""
    command = ["run", "--rm", "base", "true"]
    fault = {"IPYCONTAINER_FAULT": "client.connect=fail"}
    assert persona.cli(*command, env=fault).exit_code == 0
    with built(persona) as copy:
        code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from ipycontainer.cli.__main__ import main; main()"
        done = persona.run([copy.python, "-I", "-c", code, copy.package, *command], env=fault)
        assert done.exit_code == 125 and "client.connect" in done.err and len(done.err.splitlines()) == 1, done
        copy.told("tell(0)")
    persona.remove_containers()
