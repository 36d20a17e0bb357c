"""docs/compatibility.md says what is so: docker's help as it is, our rows, and the tests that compared."""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
from pathlib import Path

import pytest

from ipycontainer.commands import verbs
from tests.compatibility import document, help_of_docker, table
from tests.compatibility.evidence import AGAIN, load
from tests.personas import CHECKOUT

DOCUMENT = CHECKOUT / "docs/compatibility.md"


@pytest.fixture(scope="session")
def docker() -> help_of_docker.Ask:
    """Debian's client of 20.10, asked for its help; no daemon is needed."""
    places = (CHECKOUT / ".venv/peers/usr/bin/docker", Path("/usr/bin/docker"))
    client = next((str(place) for place in places if place.exists()), None)
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "DOCKER_CONFIG": "/nonexistent"}

    def ask(*words: str, version: str = "--help") -> str:
        command = [str(client), "-H", "unix:///nonexistent/docker.sock", *words, version]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30, check=False).stdout

    if client is None or "version 20.10" not in ask(version="--version"):
        pytest.skip("the document is made from docker 20.10's help (Debian's docker.io; scripts/docker_client.sh)")
    return ask


@pytest.fixture(scope="session")
def rows(docker: help_of_docker.Ask) -> list[table.Row]:
    return table.rows(help_of_docker.read(docker), help_of_docker.recorded(), load())


def test_the_document_is_as_committed(rows: list[table.Row], pytestconfig: pytest.Config) -> None:
    made = document.text(rows)
    if pytestconfig.getoption("--write"):
        DOCUMENT.write_text(made)
    kept = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    changes = list(
        difflib.unified_diff(kept.splitlines(), made.splitlines(), "committed", "made now", lineterm="", n=0)
    )
    assert not changes, "\n".join([f"docs/compatibility.md: {AGAIN.format('tests/compatibility')}", *changes[:20]])


def test_every_test_that_is_named_exists_and_reports() -> None:
    for test in load():
        path, _, name = test.partition("::")
        functions = {
            node.name: {argument.arg for argument in node.args.args}
            for node in ast.walk(ast.parse((CHECKOUT / path).read_text()))
            if isinstance(node, ast.FunctionDef)
        }
        found = functions.get(name.partition("[")[0])
        assert found is not None, f"evidence.json names {test}, which is not there"
        assert found & {"compared", "beside"}, f"{test} does not take the fixture that records what it compares"


def test_both_spellings_are_one_command(docker: help_of_docker.Ask) -> None:
    for verb in help_of_docker.recorded():
        short = help_of_docker.short_name(verb)
        if not short:
            continue
        grouped, alone = docker(*verb.split()), docker(short)
        assert help_of_docker.options(grouped) == help_of_docker.options(alone), verb
        if short in verbs.VERBS or verb in verbs.VERBS:
            assert verbs.ALIASES.get(verb, verb) == verbs.ALIASES.get(short, short), verb


def test_a_reason_is_needed_and_is_a_sentence(rows: list[table.Row]) -> None:
    """One that is compared meanwhile, or is about nothing, has to go."""
    used = {
        row.spelling if not row.option else f"{row.verb} {re.sub('.*--', '--', row.option)}"
        for row in rows
        if row.verdict in ("different", "refused") or "; but " in row.why
    }
    for words, (verdict, why) in table.reasons().items():
        assert words in used, f"reasons.json: {words} is compared, or docker has no such words"
        assert verdict in ("different", "refused", "but") and len(why) > 20, words


def test_an_option_of_docker_that_is_not_known_here_is_seen(rows: list[table.Row]) -> None:
    unknown = [(row.verb, row.option) for row in rows if row.why == "not known here"]
    assert not unknown, "neither a row of the verb nor one in commands/refused.py"
