"""A terminal of the container's own, by the Engine (the command line's is in test_command_line.py)."""

from __future__ import annotations

import os

import pytest

from tests.life.inside import detached, sh, until, with_engine
from tests.personas import Persona

HEAD = """
from ipycontainer.engine.request import RunRequest

def started(*command, **more):
    container = engine.create(RunRequest(image="base", command=command, tty=True, interactive=True, **more))
    return container, container.start(attach=True, stdin=True, size=(33, 77))

def read_until(attachment, part):
    seen = b""
    while part not in seen:
        chunk = attachment.read()
        assert chunk is not None, seen
        assert chunk[0] == "stdout"
        seen += chunk[1]
    return seen
"""


def test_its_size_and_a_new_one(persona: Persona):
    told = with_engine(
        persona,
        HEAD
        + """
container, attachment = started("sh", "-c", "trap 'stty size; exit 4' WINCH; stty size; while :; do sleep 0.02; done")
first = read_until(attachment, b"77")
attachment.resize(11, 22)
second = read_until(attachment, b"22")
assert attachment.read() is None
tell([first.decode(), second.decode(), attachment.exit_code])
""",
    )
    assert told == ["33 77\r\n", "11 22\r\n", 4] or told == ["33 77", "\r\n11 22", 4]


def test_keys_echo_and_control_c(persona: Persona):
    told = with_engine(
        persona,
        HEAD
        + """
container, attachment = started("sh", init=True)
# The echo of what is typed is not what it prints; once it does, it is the terminal's foreground.
attachment.write(b"tty; sh -c 'echo re''ady; exec sleep 1000'\\n")
assert b"/dev/pts/0" in read_until(attachment, b"ready")
attachment.write(b"\\x03")
read_until(attachment, b"# ")  # the prompt is back: what is typed before it is thrown away with the line
attachment.write(b"echo after\\n")
read_until(attachment, b"\\nafter")
attachment.write(b"exit 3\\n")
for _ in attachment: pass
tell(attachment.exit_code)
""",
    )
    assert told == 3


def test_its_session_is_its_own(persona: Persona):
    """The terminal is the controlling one, on the container's devpts, and /dev/console is it too."""
    script = (
        "import os; print(os.ttyname(0), os.isatty(1), os.isatty(2), os.tcgetpgrp(0) == os.getpgrp(), "
        "os.stat('/dev/console').st_rdev == os.stat('/dev/pts/0').st_rdev); open('/dev/tty').close()"
    )
    told = persona.ok("run", "--rm", "-t", "base", "python3", "-c", script)
    assert told.strip() == "/dev/pts/0 True True True True"


def test_detached_with_a_terminal_it_is_logged(persona: Persona):
    container = detached(persona, "-t", "base", "sh", "-c", "test -t 1 && echo on a terminal; sleep 1000")
    until(lambda: persona.ok("logs", container).strip() == "on a terminal", "it is logged")


def test_the_hosts_terminals_are_out_of_sight(persona: Persona):
    master, slave = os.openpty()
    try:
        assert sh(persona, "ls /dev/pts", "-t").split() == ["0", "ptmx"]
        assert os.ttyname(slave).startswith("/dev/pts/")
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("how", ["exec <&- >&- 2>&-; sleep 0.2; exit 6", "exec </dev/null >/dev/null 2>&1; exit 6"])
def test_a_program_that_closes_its_terminal_still_ends(persona: Persona, how: str):
    assert persona.cli("run", "--rm", "-t", "base", "sh", "-c", how).exit_code == 6
