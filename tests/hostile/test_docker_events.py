"""Events beside the real docker: which there are, in which order, and what each says."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable

import pytest

from tests.hostile.beside import Beside
from tests.life.inside import until
from tests.life.terminals import OURS, Terminal
from tests.personas import Persona

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

# Each is an exec's words, and whether it goes on alone.
EXECS = (
    ("seen true", False),
    ("-w /etc -e A=b seen sh -c 'echo \"a  b\"; exit 3'", False),
    ("seen sh -c 'kill -9 $$'", False),
    ("seen nosuchprogram", False),
    ("seen /etc", False),
    ("-w /nosuchfolder seen pwd", False),
    ("-d seen true", True),
    ("-d seen sh -c 'exit 4'", True),
)


def _plain(text: str, took: Callable[[dict[str, object]], bool] = lambda _: True) -> str:
    """Events without ids and moments; an execID is the number of its first appearance."""
    known: dict[str, str] = {}
    lines = []
    for line in text.splitlines():
        event = json.loads(line)
        attributes = dict(event["Actor"]["Attributes"])
        if "execID" in attributes:
            assert len(attributes["execID"]) == 64
            attributes["execID"] = known.setdefault(attributes["execID"], str(len(known)))
        assert event["status"] == event["Action"] and event["id"] == event["Actor"]["ID"]
        if took(event):
            assert event["Type"] != "container" or event["from"] == attributes["image"]
            lines.append(f"{event['Type']} {event['Action']} {sorted(attributes.items())}")
    return "\n".join(lines)


def _until_dead(beside: Beside, look: str, count: int) -> None:
    """Until both have told of so many ends."""
    words = (*look.split(), "--filter", "event=exec_die", "--format", "{{.Action}}")
    for who, ask in (("ours", beside.persona.ok), ("docker", beside.daemon.ok)):
        until(lambda ask=ask: len(ask(*words).splitlines()) == count, f"{who}: {count} have ended", seconds=60)


def test_execs(beside: Beside):
    begin = int(time.time())
    look = f"events --since {begin} --until 0s --filter container=seen"
    ended = 0
    try:
        beside.line("run -d --network none --name seen base sleep 1000")
        for words, is_alone in EXECS:
            mine = beside.persona.cli("exec", *shlex.split(words))
            his = beside.daemon.run("exec", *shlex.split(words))
            if is_alone:
                ended += 1
                _until_dead(beside, look, ended)
            else:
                ended += mine.exit_code not in (126, 127)
                assert (mine.exit_code in (126, 127)) == (his.returncode in (126, 127)), words
        beside.line(f"{look} --format '{{{{json .}}}}'", _plain)
        for action in ("exec_create", "exec_start", "exec_die", "exec", "die"):
            beside.line(f"{look} --filter event={action} --format '{{{{.Action}}}}|{{{{.Type}}}}|{{{{.Status}}}}'")
        code = "{{.Actor.Attributes.exitCode}} {{.Actor.Attributes.name}} {{.From}} {{.Scope}} {{.Status}}"
        beside.line(f"{look} --filter event=exec_die --format '{code}'")
    finally:
        beside.remove("seen")
    beside.end()


def test_probes(beside: Beside):
    """Of the first one only: how many follow is a matter of time."""
    begin = int(time.time())
    look = f"events --since {begin} --until 0s --filter container=probed"
    check = "--health-cmd 'exit 0' --health-interval 1s"
    seen = ("create", "start", "exec_", "health_")
    try:
        beside.line(f"run -d --network none --name probed {check} base sleep 1000")
        for who, ask in (("ours", beside.persona.ok), ("docker", beside.daemon.ok)):
            words = (*look.split(), "--filter", "event=health_status", "--format", "{{.Action}}")
            until(lambda ask=ask, words=words: bool(ask(*words)), f"{who}: it is healthy", seconds=60)
        beside.line(
            f"{look} --format '{{{{json .}}}}'",
            lambda text: "\n".join(_plain(text, lambda event: str(event["Action"]).startswith(seen)).splitlines()[:6]),
        )
    finally:
        beside.remove("probed")
    beside.end()


def test_terminals(beside: Beside, persona: Persona):
    """Who attaches, and each size that the terminal is given."""
    begin = int(time.time())
    look = f"events --since {begin} --until 0s --filter container=typed"
    try:
        for who, command, ask in (("ours", OURS, persona.ok), ("docker", beside.daemon.command, beside.daemon.ok)):

            def sizes(ask: Callable[..., str] = ask) -> int:
                return len(ask(*look.split(), "--filter", "event=resize", "--format", "{{.Action}}").splitlines())

            words = ("run", "-it", "--network", "none", "--name", "typed", "base", "sh")
            with Terminal(persona, *words, rows=20, columns=70, command=command) as terminal:
                terminal.expect("# ")
                until(lambda sizes=sizes: sizes() == 1, f"{who}: its first size", seconds=60)
                terminal.resize(30, 90)
                until(lambda sizes=sizes: sizes() == 2, f"{who}: its second size", seconds=60)
                terminal.type("\x10\x11")
                terminal.end()
            with Terminal(persona, "attach", "typed", rows=40, columns=100, command=command) as terminal:
                until(lambda sizes=sizes: sizes() == 4, f"{who}: drawn anew", seconds=60)
                terminal.type("exit 5\n")
                assert terminal.end() == 5
        died = (*look.split(), "--filter", "event=die", "--format", "{{.Action}}")
        until(lambda: bool(beside.daemon.ok(*died)), "docker says so after its client has ended", seconds=60)
        # docker's client passes SIGWINCH on to the program too, which the terminal has told already.
        beside.line(f"{look} --format '{{{{json .}}}}'", lambda text: _plain(text, lambda it: it["Action"] != "kill"))
        beside.line("run --rm --network none --name typed2 base sh -c 'exit 3'")
        gone = (*f"{look}2".split(), "--filter", "event=destroy", "--format", "{{.Action}}")
        until(lambda: bool(beside.daemon.ok(*gone)), "and here too", seconds=60)
        beside.line(f"{look}2 --format '{{{{json .}}}}'", _plain)
    finally:
        beside.remove("typed")
    beside.end()
