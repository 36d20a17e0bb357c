"""What the command loads while a person waits: nothing that is dear, nothing from other people."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from tests.personas import BIN, Persona

# What each costs over a bare interpreter is 2 to 17 ms; a container's start is 3.
DEAR = {
    "argparse",
    "contextlib",
    "dataclasses",
    "enum",
    "hashlib",
    "json",
    "logging",
    "pathlib",
    "re",
    "shutil",
    "signal",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "typing",
}
STANDARD = sys.stdlib_module_names
HOT = {
    "run": ["run", "--rm", "base", "true"],
    "run with options": ["run", "--rm", "-e", "A=b", "-w", "/tmp", "--label", "a=b", "-h", "box", "base", "true"],
    "run detached": ["run", "-d", "--name", "hot", "base", "sleep", "1000"],
    "ps": ["ps"],
    "ps -a": ["ps", "-a"],
    "exec": ["exec", "hot", "true"],
    "logs": ["logs", "hot"],
    "stop": ["stop", "-t", "0", "hot"],
    "start": ["start", "hot"],
    "rm": ["rm", "-f", "hot"],
}


def modules(persona: Persona, words: list[str]) -> set[str]:
    """Every module that one command line imports, as the interpreter itself reports them."""
    command = [BIN / "python3", "-I", "-S", "-X", "importtime", BIN / "ipycontainer", *words]
    done = persona.run(command)
    assert done.exit_code == 0, done
    rows = [line.split("|") for line in done.err.splitlines() if line.startswith("import time:")]
    return {row[2].strip() for row in rows[1:]}


@pytest.fixture(scope="module")
def imported(persona: Persona) -> dict[str, set[str]]:
    persona.ok("run", "--rm", "base", "true", timeout=120)  # the launcher and base are there before
    return {name: modules(persona, words) for name, words in HOT.items()}


@pytest.mark.parametrize("what", HOT)
def test_nothing_dear_is_loaded(imported: dict[str, set[str]], what: str):
    assert "ipycontainer" in imported[what]
    assert imported[what] & DEAR == set()


@pytest.mark.parametrize("what", HOT)
def test_nothing_is_loaded_from_other_people(imported: dict[str, set[str]], what: str):
    tops = {name.split(".")[0] for name in imported[what]}
    assert {top for top in tops if top not in STANDARD and top != "ipycontainer"} == set()


def test_only_the_verb_asked_for_is_imported(imported: dict[str, set[str]]):
    assert "ipycontainer.commands.run" in imported["run"]
    assert "ipycontainer.commands.run" not in imported["ps"]


def test_python_alone_is_what_runs_it(persona: Persona):
    """No `site`: site-packages and their .pth files cost more than the command itself."""
    assert "site" not in modules(persona, ["ps"])
    assert Path(sysconfig.get_path("scripts")) == BIN
    assert (BIN / "ipycontainer").read_text().startswith("#!/bin/sh\n")
