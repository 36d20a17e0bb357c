"""Prunes: what nobody needs goes, all else stays; they ask first; `system df` counts volumes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.life.terminals import Terminal
from tests.personas import Persona


@pytest.fixture(autouse=True)
def _no_volumes(persona: Persona) -> Iterator[None]:
    yield
    persona.remove_containers()
    for name in persona.ok("volume", "ls", "-q").split():
        persona.cli("volume", "rm", name)


def test_container_prune_leaves_what_runs(persona: Persona, nothing_left: None):
    running = persona.ok("run", "-d", "base", "sleep", "1000")
    ended = persona.ok("create", "--label", "kind=a", "base", "true")
    persona.ok("run", "--name", "other", "base", "true")
    assert persona.ok("container", "prune", "-f", "--filter", "until=1h") == "Total reclaimed space: 0B"
    lines = persona.ok("container", "prune", "-f", "--filter", "label=kind").splitlines()
    assert lines[:2] == ["Deleted Containers:", ended] and lines[-1].startswith("Total reclaimed space: ")
    lines = persona.ok("container", "prune", "-f", "--filter", "label!=kind").splitlines()
    assert len(lines) == 4
    assert persona.ok("ps", "-aq", "--no-trunc") == running
    persona.ok("rm", "-f", running)


@pytest.mark.parametrize("group", ["container", "image", "volume", "system"])
def test_nothing_goes_where_nobody_can_be_asked(persona: Persona, group: str):
    persona.ok("create", "--name", "stays", "base", "true")
    anonymous = persona.ok("volume", "create")
    asked = persona.cli(group, "prune")
    assert asked.exit_code == 125 and "WARNING! This will remove" in asked.out and "give --force" in asked.err
    bad = persona.cli(group, "prune", "-f", "--filter", "bad=x")
    assert bad.exit_code == 1 and "Invalid filter 'bad'" in bad.err
    assert persona.ok("ps", "-a", "--format", "{{.Names}}") == "stays"
    assert persona.ok("volume", "ls", "-q") == anonymous


@pytest.mark.parametrize("group", ["container", "image", "volume", "system"])
@pytest.mark.parametrize("answer", ["n", "y"])
def test_a_person_is_asked(persona: Persona, group: str, answer: str):
    """`script` gives the command a terminal, at which a person types."""
    persona.ok("create", "--name", "stays", "base", "true")
    persona.ok("volume", "create")
    done = persona.run(["script", "-qec", f"ipycontainer {group} prune", "/dev/null"], input=f"{answer}\n")
    assert "Are you sure you want to continue? [y/N]" in done.out and done.exit_code == 0, done
    left = persona.ok("ps", "-aq"), persona.ok("volume", "ls", "-q")
    assert bool(left[0]) == (answer == "n" or group not in ("container", "system"))
    assert bool(left[1]) == (answer == "n" or group != "volume")


@pytest.mark.parametrize("answer", ["\n", "n\n", "y", "Y\nwhat follows is nobody's"])
def test_the_answer_may_come_from_a_pipe(persona: Persona, answer: str):
    """`echo y | ipycontainer container prune`, as scripts ask docker."""
    persona.ok("create", "--name", "stays", "base", "true")
    done = persona.cli("container", "prune", input=answer)
    question = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] "
    assert done.exit_code == 0 and done.out.startswith(question) and "Total reclaimed space: " in done.out, done
    assert (persona.ok("ps", "-aq") == "") == (answer[0] in "yY")


def test_system_prune(persona: Persona):
    persona.ok("create", "--label", "old", "-v", "/nameless", "-v", "named:/n", "base", "true")
    kept = persona.ok("create", "-v", "/kept", "base", "true")
    until = persona.cli("system", "prune", "-f", "--volumes", "--filter", "until=1h")
    assert until.exit_code == 1 and 'The "until" filter is not supported with "--volumes"' in until.err
    lines = persona.ok("system", "prune", "-f", "--filter", "label=old").splitlines()
    assert lines[0] == "Deleted Containers:" and len(lines[1]) == 64
    assert persona.ok("ps", "-aq", "--no-trunc") == kept
    assert len(persona.ok("volume", "ls", "-q").split()) == 3  # volumes only where they are asked for
    running = persona.ok("run", "-d", "-v", "/used", "base", "sleep", "1000")
    persona.ok("system", "prune", "-f", "--volumes")
    assert persona.ok("ps", "-aq", "--no-trunc") == running
    assert len(persona.ok("volume", "ls", "-q").split()) == 2  # named, and what the running one uses
    persona.ok("rm", "-fv", running)
    assert persona.ok("volume", "ls", "-q") == "named"


def test_prune_from_python(persona: Persona):
    persona.ok("create", "--name", "ended", "-v", "/nameless", "base", "true")
    code = """
from ipycontainer import Engine
pruned = Engine().prune(volumes=True)
print(len(pruned.containers), len(pruned.volumes), pruned.images, pruned.size)
"""
    assert persona.python(code).startswith("1 1 () ")


def test_a_named_volume_is_pruned_only_where_all_are_meant(persona: Persona):
    persona.ok("run", "--rm", "-v", "named:/n", "base", "sh", "-c", "echo 1234 > /n/f")
    assert persona.ok("volume", "prune", "-f") == "Total reclaimed space: 0B"
    assert persona.ok("volume", "prune", "-f", "--filter", "all=1").splitlines()[-1] == "Total reclaimed space: 5B"


def test_df_counts_volumes(persona: Persona):
    persona.ok("create", "--name", "user", "-v", "used:/n", "base", "true")
    persona.ok("run", "--rm", "-v", "free:/n", "base", "sh", "-c", "echo 1234 > /n/f")
    form = "{{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}"
    assert persona.ok("system", "df", "--format", form).splitlines()[-1] == "2 1 5B 5B (100%)"
    lines = persona.ok("system", "df", "-v").splitlines()
    table = [line.split() for line in lines[lines.index("Local Volumes space usage:") + 2 :]]
    assert table == [["VOLUME", "NAME", "LINKS", "SIZE"], ["free", "0", "5B"], ["used", "1", "0B"]]


def test_prunes_are_told(persona: Persona):
    persona.ok("container", "prune", "-f")
    persona.ok("volume", "prune", "-f")
    form = "{{json .}}"
    words = ("events", "--since", "1m", "--until", "0s", "--filter", "event=prune", "--format", form)
    told = [json.loads(line) for line in persona.ok(*words).splitlines()]
    assert [event["Type"] for event in told][-2:] == ["container", "volume"]
    assert told[-1]["Actor"]["Attributes"] == {"reclaimed": "0"}


@pytest.mark.parametrize("group", ["container", "image", "volume", "system"])
def test_nothing_is_there_to_go_in_a_store_that_nobody_has_used(persona: Persona, group: str):
    store = persona.work / f"new-{group}"
    for _ in range(2):
        said = persona.ok(group, "prune", "-f", env={"IPYCONTAINER_ROOT": str(store)})
        assert said == "Total reclaimed space: 0B"
    persona.ok("system", "shutdown", env={"IPYCONTAINER_ROOT": str(store)})


def test_an_end_of_input_is_no_answer(persona: Persona):
    """ctrl-d at the question."""
    with Terminal(persona, "container", "prune") as terminal:
        terminal.expect("[y/N]")
        terminal.type("\x04")
        assert "give --force, or answer" in terminal.expect("in a terminal")
        assert terminal.end() == 125
