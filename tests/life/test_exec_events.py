"""What the journal says of execs and probes, and what it does not when somebody was killed."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from tests.life.inside import detached, until, with_engine
from tests.personas import Persona


def _told(persona: Persona, container: str, *filters: str) -> list[dict[str, Any]]:
    words = ["events", "--since", "5m", "--until", "0s", "--filter", f"container={container}", "--format", "json"]
    lines = persona.ok(*words, *(word for item in filters for word in ("--filter", item))).splitlines()
    return [json.loads(line) for line in lines]


def _execs(persona: Persona, container: str) -> list[tuple[str, str | None]]:
    events = [event for event in _told(persona, container) if event["Action"].startswith("exec_")]
    return [(event["Action"], event["Actor"]["Attributes"].get("exitCode")) for event in events]


def test_an_exec_as_events(persona: Persona, nothing_left: None):
    container = detached(persona, "base", "sleep", "1000")
    persona.cli("exec", container, "sh", "-c", "exit 3")
    persona.cli("exec", container, "nosuchprogram")
    assert _execs(persona, container) == [
        ("exec_create: sh -c exit 3", None),
        ("exec_start: sh -c exit 3", None),
        ("exec_die", "3"),
        ("exec_create: nosuchprogram ", None),
        ("exec_start: nosuchprogram ", None),
    ], "docker says no more of what never ran"
    first, second, last = (event["Actor"]["Attributes"]["execID"] for event in _told(persona, container)[2:5])
    assert first == second == last and len(first) == 64
    assert len(_told(persona, container, "event=exec_die")) == 1
    persona.ok("rm", "-f", container)


def test_it_bears_the_name_that_the_container_has_now(persona: Persona, nothing_left: None):
    container = detached(persona, "--name", "before", "base", "sleep", "1000")
    persona.ok("exec", "before", "true")
    persona.ok("rename", "before", "after")
    persona.ok("exec", "after", "true")
    names = [event["Actor"]["Attributes"]["name"] for event in _told(persona, container, "event=exec_die")]
    assert names == ["before", "after"]
    persona.ok("rm", "-f", container)


def test_in_python(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        """
        container = engine.run("base", ["sleep", "1000"], detach=True)
        with engine.events(since=container.created) as stream:
            result = container.exec(["sh", "-c", "exit 5"])
            seen = [next(stream) for _ in range(5)]
        container.remove(force=True)
        tell([[event.action, event.attributes.get("exitCode")] for event in seen][2:])
        """,
    )
    assert told == [["exec_create: sh -c exit 5", None], ["exec_start: sh -c exit 5", None], ["exec_die", "5"]]


def test_of_a_parent_that_was_killed_no_end_is_invented(persona: Persona, nothing_left: None):
    container = detached(persona, "base", "sleep", "1000")
    marker = str(10**6 + os.getpid())
    persona.ok("exec", "-d", container, "sleep", marker)

    def parents() -> list[int]:
        found = persona.ok("top", container, "-eo", "pid,ppid,args").splitlines()
        return [int(line.split()[1]) for line in found if marker in line]

    until(lambda: bool(parents()), "it runs")
    os.kill(parents()[0], signal.SIGKILL)
    until(lambda: not parents(), "the program went with its parent")
    assert [action for action, _ in _execs(persona, container)] == [
        f"exec_create: sleep {marker}",
        f"exec_start: sleep {marker}",
    ]
    assert persona.cli("exec", container, "true").exit_code == 0
    assert _execs(persona, container)[-1] == ("exec_die", "0")
    persona.ok("rm", "-f", container)


def test_probes_as_events(persona: Persona, nothing_left: None):
    """As docker's: before what they make of the status."""
    words = ("--health-cmd", "exit 1", "--health-interval", "50ms", "--health-retries", "1")
    container = detached(persona, *words, "base", "sleep", "1000")
    until(lambda: bool(_told(persona, container, "event=health_status")), "it is unhealthy")
    told = [event["Action"] for event in _told(persona, container)][2:6]
    program = "/bin/sh -c exit 1"
    assert told == [f"exec_create: {program}", f"exec_start: {program}", "exec_die", "health_status: unhealthy"]
    persona.ok("rm", "-f", container)


def test_a_probe_that_was_ended_has_an_end(persona: Persona, nothing_left: None):
    words = ("--health-cmd", "sleep 1000", "--health-interval", "50ms", "--health-timeout", "100ms")
    container = detached(persona, *words, "base", "sleep", "1000")
    until(lambda: bool(_told(persona, container, "event=exec_die")), "its time was over")
    assert _told(persona, container, "event=exec_die")[0]["Actor"]["Attributes"]["exitCode"] == "137"
    persona.ok("rm", "-f", container)
