"""What an image, a label or a file's name says stays in its place: it makes no row of its own and moves no cursor."""

from __future__ import annotations

import pytest

from tests.life.terminals import Terminal
from tests.personas import Persona

FORGED = "first\nsecond\x1b[2J\x1b]0;taken\x07\u202e\tthird"
WRITTEN = "first\\nsecond\\x1b[2J\\x1b]0;taken\\x07\\u202e"


@pytest.fixture
def forger(persona: Persona) -> str:
    """A container that has ended, and left a file with such a name."""
    persona.ok("run", "--name", "forger", "base", "touch", f"/{FORGED}")
    return "forger"


def test_a_comment_in_the_history(persona: Persona, forger: str):
    persona.ok("commit", "-m", FORGED, forger, "forged/comment:1")
    try:
        lines = persona.ok("history", "forged/comment:1").split("\n")
        assert len(lines) == 4 and lines[1].endswith(WRITTEN + "\\tthird")
        # A program that asks for the words gets the words.
        assert persona.ok("history", "--format", "{{.Comment}}", "forged/comment:1").startswith(FORGED + "\n")
    finally:
        persona.ok("rm", forger)
        persona.ok("rmi", "forged/comment:1")


def test_a_label_in_tables_and_events(persona: Persona):
    persona.ok("create", "--name", "forged-label", "-l", f"said={FORGED}", "base", "true")
    try:
        for column in ("{{.Labels}}", '{{.Label "said"}}'):
            lines = persona.ok("ps", "-a", "-f", "name=forged-label", "--format", "table {{.Names}}\t" + column).split(
                "\n"
            )
            assert len(lines) == 2 and WRITTEN in lines[1]
        lines = persona.ok("events", "--since", "1m", "--until", "0s", "-f", "container=forged-label").split("\n")
        assert len(lines) == 1 and f"said={WRITTEN}" in lines[0]
    finally:
        persona.ok("rm", "forged-label")


def test_the_name_of_a_changed_file(persona: Persona, forger: str):
    try:
        # A program gets the name as it is; a person's terminal gets one line.
        assert persona.ok("diff", forger) == f"A /{FORGED}"
        with Terminal(persona, "diff", forger, columns=200) as terminal:
            assert terminal.expect("third").strip() == f"A /{WRITTEN}\\tthird"
            assert terminal.end() == 0
    finally:
        persona.ok("rm", forger)


def test_an_error_is_one_line(persona: Persona):
    done = persona.cli("run", "--rm", "base", FORGED)
    assert done.exit_code == 127 and done.err.count("\n") == 1 and WRITTEN in done.err
