"""Nothing is left: the names of everything are the same before and after, whatever happened between."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.personas import Persona

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_a_run(persona: Persona):
    assert persona.ok("run", "--rm", "base", "echo", "hi") == "hi"


def test_a_run_that_fails_inside(persona: Persona):
    assert persona.cli("run", "--rm", "base", "sh", "-c", "exit 3").exit_code == 3


@pytest.mark.parametrize(("command", "code"), [("/not/there", 127), ("/etc", 126)])
def test_a_run_that_cannot_start(persona: Persona, command: str, code: int):
    done = persona.cli("run", "--rm", "base", command)
    assert (done.exit_code, done.out) == (code, ""), done
    assert len(done.err.splitlines()) == 1, done


@pytest.mark.parametrize(
    "words",
    [
        ["run", "no-such-image", "true"],
        ["run", "--no-such-option", "base", "true"],
        ["run", "-m", "lots", "base", "true"],
        ["run", "-v", "relative:also/relative", "base", "true"],
        ["run", "-p", "80:80", "base", "true"],
        ["rnu", "base", "true"],
    ],
    ids=" ".join,
)
def test_what_is_refused(persona: Persona, words: list[str]):
    done = persona.cli(*words)
    assert done.exit_code in (1, 125), done
    assert done.out == "", done
    assert "Traceback" not in done.err, done


def test_a_detached_container_and_its_exec(persona: Persona):
    name = persona.ok("run", "-d", "base", "sleep", "1000")
    try:
        assert persona.ok("exec", name, "echo", "in") == "in"
        assert persona.cli("exec", name, "/not/there").exit_code == 127
    finally:
        persona.ok("rm", "-f", name)


def test_stop_start_and_remove(persona: Persona):
    name = persona.ok("run", "-d", "base", "sleep", "1000")
    persona.ok("stop", "-t", "0", name)
    persona.ok("start", name)
    persona.ok("kill", name)
    persona.ok("wait", name)
    persona.ok("rm", name)


def test_created_and_never_started(persona: Persona):
    persona.ok("rm", persona.ok("create", "base", "true"))


def test_an_interrupted_run(persona: Persona):
    process = persona.popen(["ipycontainer", "run", "--rm", "--name", "stopped", "base", "sleep", "1000"])
    _until_running(persona, "stopped")
    process.send_signal(2)
    process.communicate(timeout=20)
    assert process.returncode in (130, 137)


def test_a_run_interrupted_at_any_instant(persona: Persona):
    """Also before anybody attends to the signal, and between the start and the first look at the output."""
    for delay in range(10, 46, 4):
        process = persona.popen(["ipycontainer", "run", "--rm", "base", "sleep", "1000"])
        time.sleep(delay / 1000)
        process.send_signal(2)
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.send_signal(2)  # a starting interpreter may swallow one; a person presses again
            process.communicate(timeout=20)
        assert process.returncode != 0


def test_a_command_line_that_is_killed(persona: Persona):
    """The container goes on; it ends by itself and is removed, for it was asked to be."""
    process = persona.popen(["ipycontainer", "run", "--rm", "--name", "alone", "base", "sleep", "2"])
    _until_running(persona, "alone")
    process.kill()
    process.communicate(timeout=20)
    end = time.monotonic() + 20
    while persona.ok("ps", "-aq", "--filter", "name=alone"):
        assert time.monotonic() < end, persona.ok("ps", "-a")
        time.sleep(0.1)


def test_input_that_ends_early(persona: Persona):
    process = persona.popen(["ipycontainer", "run", "-i", "--rm", "base", "cat"], stdin=subprocess.PIPE)
    out, _ = process.communicate(b"to the end", timeout=20)
    assert (process.returncode, out) == (0, b"to the end")


def test_a_program_that_leaves_orphans_behind(persona: Persona):
    persona.ok("run", "--rm", "base", "sh", "-c", "sleep 1000 & sleep 1000 & echo on")


def _until_running(persona: Persona, name: str) -> None:
    end = time.monotonic() + 20
    while not persona.ok("ps", "-q", "--filter", f"name={name}"):
        assert time.monotonic() < end, "it never ran"
        time.sleep(0.05)
