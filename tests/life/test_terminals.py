"""Terminals as a person has them: vi, top, sizes, Ctrl-C, Ctrl-Z, leaving and coming back, a client that is killed."""

from __future__ import annotations

import time

import pytest

from tests.life.inside import detached, state, until
from tests.life.terminals import Terminal
from tests.personas import Persona

DETACH = "\x10\x11"


def shell(terminal: Terminal) -> None:
    """A prompt; whatever else was drawn before it."""
    terminal.expect("# ")


@pytest.mark.timeout(300)
def test_vi(persona: Persona, debian: str):
    with Terminal(persona, "run", "-it", "--rm", debian, "bash", rows=20, columns=70) as terminal:
        shell(terminal)
        terminal.type("vi /tmp/file\n")
        terminal.expect("[New File]")
        terminal.type("ione line\rand another\x1b")
        terminal.expect("and another")
        terminal.resize(12, 40)
        terminal.expect("and another")  # drawn anew
        terminal.type(":set lines? columns?\r")
        terminal.expect("columns=40")
        terminal.type("\r:wq\r")
        terminal.expect("written")
        shell(terminal)
        assert "one line\r\nand another\r\n" in terminal.ask("cat /tmp/file; echo 'do''ne'", "done")
        terminal.type("exit 3\n")
        assert terminal.end() == 3
        assert terminal.settings() == terminal.before, "the person's terminal is as it was"


@pytest.mark.timeout(300)
def test_top(persona: Persona, debian: str):
    with Terminal(persona, "run", "-it", "--rm", debian, "top", "-d", "0.2", rows=15, columns=60) as terminal:
        assert "COMMAND" not in terminal.expect("PID USER"), "there is no room for it"
        terminal.resize(30, 100)
        terminal.expect("COMMAND")
        terminal.type("q")
        assert terminal.end() == 0
        assert terminal.settings() == terminal.before


def test_its_size_follows_the_window(persona: Persona):
    with Terminal(persona, "run", "-it", "--rm", "base", "sh", rows=33, columns=77) as terminal:
        shell(terminal)
        terminal.ask("stty size", "33 77")
        shell(terminal)
        terminal.resize(11, 44)
        sized(terminal, "11 44")
        terminal.type("exit\n")
        assert terminal.end() == 0


def sized(terminal: Terminal, size: str) -> None:
    """The window's size reaches the container a moment after its signal: asked until it is there."""
    terminal.type(f"until stty size | grep -qx '{size}'; do :; done; echo si''zed\n")
    terminal.expect("sized")
    shell(terminal)


def test_control_c_ends_what_is_in_front(persona: Persona):
    with Terminal(persona, "run", "-it", "--rm", "base", "sh") as terminal:
        shell(terminal)
        terminal.type("sh -c 'echo re''ady; exec sleep 1000'\n")
        terminal.expect("ready")
        terminal.type("\x03")
        shell(terminal)
        terminal.ask("echo code $?", "code 130")
        terminal.type("exit\n")
        assert terminal.end() == 0


def test_control_z_and_job_control(persona: Persona):
    with Terminal(persona, "run", "-it", "--rm", "base", "sh") as terminal:
        shell(terminal)
        job = "trap 'echo goes''on' CONT; echo re''ady; while :; do read line; done"  # nothing is forked
        terminal.type(f'sh -c "{job}"\n')
        terminal.expect("ready")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        shell(terminal)
        terminal.ask("jobs", "Stopped")
        shell(terminal)
        terminal.type("fg\n")
        terminal.expect("goeson")  # and is in front by now
        terminal.type("\x03")
        shell(terminal)
        terminal.ask("jobs; echo no''thing", "nothing")
        terminal.type("exit\n")
        assert terminal.end() == 0


def test_leaving_it_and_coming_back(persona: Persona, nothing_left: None):
    with Terminal(persona, "run", "-it", "--name", "web", "base", "sh", rows=24, columns=80) as terminal:
        shell(terminal)
        terminal.ask("value=ke''pt; echo se''t", "set")
        shell(terminal)
        terminal.type(DETACH)
        assert terminal.end() == 0 and terminal.rest == "", "nothing is said after run"
        assert terminal.settings() == terminal.before
    assert state(persona, "web")["Running"]
    with Terminal(persona, "attach", "web", rows=40, columns=120) as again:
        again.type("\n")
        shell(again)
        again.ask("echo $value", "kept")
        sized(again, "40 120")
        again.type(DETACH)
        assert again.end() == 1 and again.rest == "read escape sequence\r\n"
        assert again.settings() == again.before
    with Terminal(persona, "attach", "--detach-keys", "ctrl-x,x", "web") as other:
        other.type("\n")
        shell(other)
        other.type("\x10")  # not what leaves any more
        other.type("\x18x")
        assert other.end() == 1
    with Terminal(persona, "start", "-a", "-i", "web") as last:
        last.type("\n")  # what was typed before
        last.expect("not found")
        shell(last)
        last.type("exit 6\n")
        assert last.end() == 6
    persona.ok("rm", "web")


def test_two_terminals_on_one_container(persona: Persona):
    detached(persona, "-it", "--name", "web", "base", "sh")
    with Terminal(persona, "attach", "web") as first, Terminal(persona, "attach", "web") as second:
        for terminal in (first, second):
            terminal.type("\n")
            shell(terminal)
        first.type("echo from fi''rst\n")
        for terminal in (first, second):
            terminal.expect("from first")
        second.type("echo from sec''ond\n")
        for terminal in (first, second):
            terminal.expect("from second")
        second.type("exit 4\n")
        assert (first.end(), second.end()) == (4, 4)


def test_the_terminal_of_a_killed_client(persona: Persona):
    with Terminal(persona, "run", "-it", "--name", "web", "base", "sh") as terminal:
        shell(terminal)
        terminal.ask("value=ke''pt; echo se''t", "set")
        terminal.kill()
    assert state(persona, "web")["Running"]
    with Terminal(persona, "attach", "web", rows=10, columns=50) as again:
        again.type("\n")
        shell(again)
        again.ask("echo $value", "kept")
        sized(again, "10 50")
        again.kill()
    assert state(persona, "web")["Running"]


def test_a_command_at_a_terminal_of_its_own(persona: Persona):
    container = detached(persona, "--name", "web", "base", "sleep", "1000")
    with Terminal(persona, "exec", "-it", "web", "sh", rows=33, columns=77) as terminal:
        shell(terminal)
        terminal.ask("stty size", "33 77")
        shell(terminal)
        terminal.resize(20, 60)
        sized(terminal, "20 60")
        terminal.type("exit 5\n")
        assert terminal.end() == 5
        assert terminal.settings() == terminal.before
    with Terminal(persona, "exec", "-it", "--detach-keys", "ctrl-a", "web", "sleep", "777") as left:
        until(lambda: "sleep 777" in persona.ok("exec", container, "ps", "-eo", "args"), "it runs")
        left.type("\x01")
        assert left.end() == 1 and left.rest == "read escape sequence\r\n"
    assert "sleep 777" in persona.ok("exec", container, "ps", "-eo", "args"), "it goes on"


def test_a_window_that_changes_when_nobody_has_the_terminal_open(persona: Persona, nothing_left: None):
    """The program has closed it and goes on; its monitor does too."""
    script = "trap '' HUP; echo rea''dy; exec <&- >&- 2>&-; sleep 1; exit 6"
    with Terminal(persona, "run", "-it", "--name", "deaf", "base", "sh", "-c", script, rows=20, columns=70) as terminal:
        terminal.expect("ready")
        for rows in range(30, 50):
            terminal.resize(rows, 60)
            time.sleep(0.03)
        assert terminal.end() == 6
    assert state(persona, "deaf")["ExitCode"] == 6
    persona.ok("rm", "deaf")
