"""A failure injected into every step of a full plan: a sentence that names the step, and nothing left of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import names
from tests.hostile.copies import Edit, copy_with
from tests.life.inside import until, with_engine
from tests.personas import Persona

# Everything that adds a step to a plan is asked for; memory only where it can be had.
TRY = """
import time
from ipycontainer.engine.request import Bind, RunRequest, Tmpfs, Ulimit

def full(remove, command=("true",)):
    return RunRequest(
        image="base", command=command, remove=remove, tty=True, init=True, read_only=True, hostname="box",
        binds=(Bind("/tmp", "/mnt/tmp", True),), tmpfs=(Tmpfs("/run"),), ulimits=(Ulimit("nofile", 100, 100),),
        memory=(64 << 20) * (engine.launcher.mode == "root"),
    )

def once(part, number):
    "The sentence of a start that fails at this step, or None when there is no such step; what it left is checked."
    remove = number % 2 == 0
    engine.fault = [part, number]
    container = engine.create(full(remove))
    try:
        with container.start(attach=True) as attachment:
            for _ in attachment: pass
        sentence = None
    except errors.StartError as error:
        sentence = str(error)
    if not remove:
        state = container.state()
        assert state.status == "exited" and state.exit_code == (125 if sentence else 0), state
        assert (sentence or "") in state.error, state
        container.remove()
    assert os.listdir(engine.directory._containers) == [], os.listdir(engine.directory._containers)
    assert os.listdir(engine.directory.names_folder) == []
    end = time.monotonic() + 5
    while engine.directory.run_folders():  # the answer comes before the sweep
        assert time.monotonic() < end, sentence
        time.sleep(0.002)
    return sentence

def sweep_through(part):
    sentences = []
    while True:
        sentence = once(part, len(sentences))
        if sentence is None:
            return sentences
        sentences.append(sentence)
"""


@pytest.mark.parametrize(("part", "least"), [("outside", 2), ("inside", 15), ("last", 10)])
def test_every_step_may_fail_and_nothing_is_left(persona: Persona, part: str, least: int, nothing_left: None):
    sentences = with_engine(persona, TRY + f"tell(sweep_through({part!r}))")
    assert len(sentences) >= least, sentences
    for number, sentence in enumerate(sentences):
        step, colon, _ = sentence.partition(":")
        assert colon and step.isidentifier() and f"step {number} of {part}" in sentence, sentence


def test_every_step_of_an_exec_may_fail_and_the_container_goes_on(persona: Persona, nothing_left: None):
    sentences = with_engine(
        persona,
        TRY
        + """
container = engine.create(full(False, ("sleep", "1000")))
container.start()
sentences = []
while True:
    engine.fault = ["exec", len(sentences)]
    try:
        assert container.exec(["true"]).exit_code == 0
        break
    except errors.StartError as error:
        sentences.append(str(error))
    assert container.status == "running"
engine.fault = None
assert container.exec(["echo", "on"]).text == "on\\n"
container.remove(force=True)
tell(sentences)
""",
    )
    assert len(sentences) >= 8 and all("of exec" in sentence for sentence in sentences), sentences


def test_the_command_line_says_it_in_one_line(persona: Persona, nothing_left: None):
    done = persona.cli("run", "--rm", "base", "true", env={"IPYCONTAINER_FAULT": "inside:5"})
    assert done.exit_code == 125 and len(done.err.splitlines()) == 1 and "step 5 of inside" in done.err, done


UNSWEPT: Edit = ("runtime/inside/ending.py", "    sweep.sweep_cgroups(charge.leaves, charge.devices)\n", "    return\n")


@pytest.mark.parametrize(("part", "number"), [("outside", 0), ("inside", 6), ("last", 4)])
def test_the_guard_sees_a_leak(persona: Persona, part: str, number: int, _folder: Path):
    """With the sweep turned off the comparison of names turns red; whoever looks then sweeps."""

    def look() -> names.Names:
        return names.snapshot(str(_folder), [persona.store, *persona.run_folders()], persona.store / "events")

    persona.ok("run", "--rm", "base", "true")
    before = names.settled(look)
    memory = 64 << 20 if persona.is_root else 0
    with copy_with(persona, [UNSWEPT]) as copy:
        said = copy.told(
            f"""
            engine.fault = [{part!r}, {number}]
            tell(outcome(lambda: engine.run("base", ["true"], memory={memory})))
            """
        )
    assert said[0] == 125 and f"step {number} of {part}" in said[2], said
    found = names.differences(before, look())
    assert any("left: folders" in line and "/alive" in line for line in found), found
    if persona.is_root:
        assert any("left: cgroups" in line for line in found) == (part != "outside"), found
    _looks_sweep(persona, before, look)


def _looks_sweep(persona: Persona, before: names.Names, look: Callable[[], names.Names]) -> None:
    persona.ok("ps", "-a")

    def left() -> list[str]:
        return [line for line in names.differences(before, look()) if "folders" not in line or "/alive" in line]

    until(lambda: not left(), "who looked has swept", 5)
    persona.remove_containers()
    names.assert_same(before, look)
