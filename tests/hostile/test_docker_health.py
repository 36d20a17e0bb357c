"""Health checks beside the real docker: what is taken and written down, what it says while a container is checked."""

from __future__ import annotations

import json
import re

import pytest

from tests.hostile.beside import Beside, ids_taken_out
from tests.life.inside import until

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(600)]

# Words of create; what is written down is compared after each.
TAKEN = """
--health-cmd true
--health-cmd ''
--health-cmd 'test -e /x || exit 1' --health-interval 1m30s --health-timeout 500ms --health-retries 7
--health-start-period 10s
--health-retries 4
--health-interval 0s --health-cmd true
--health-interval 1ms --health-cmd true
--health-interval 999us --health-cmd true
--health-timeout 5us --health-cmd true
--health-start-period 1ns --health-cmd true
--health-interval -1s
--health-timeout -1s
--health-start-period -1s
--health-retries -1
--health-interval x
--health-retries x
--no-healthcheck
--no-healthcheck=false --health-cmd true
--no-healthcheck --health-cmd true
--no-healthcheck --health-retries 2
--no-healthcheck --health-cmd ''
"""
CHECK = "{{json .Config.Healthcheck}}"
HEALTH = "{{if .State.Health}}{{.State.Health.Status}} {{.State.Health.FailingStreak}}{{else}}none{{end}}"
STATUS = "{{.State.Health.Status}}"  # whether a probe was under way just then is each one's own
LAST = "{{range .State.Health.Log}}{{.ExitCode}} {{json .Output}};{{end}}"
SOON = "--health-interval 100ms --health-retries 2"
INSTRUCTIONS = """
HEALTHCHECK NONE
HEALTHCHECK CMD test -e /x
HEALTHCHECK --interval=100ms --retries=1 --timeout=1m --start-period=1h CMD test -e /x
HEALTHCHECK CMD ["test", "-e", "/x"]
HEALTHCHECK --often=1s CMD true
HEALTHCHECK RUN true
HEALTHCHECK CMD
HEALTHCHECK NONE true
"""


def _normal(text: str) -> str:
    """Times are each one's own."""
    return re.sub(
        r"(Up|Created|Exited \(\d+\)) [A-Za-z0-9 ]*?(second|minute)s?( ago)?", r"\1 TIME", ids_taken_out(text)
    )


def _await(beside: Beside, container: str, wanted: str, form: str = "{{.State.Health.Status}}") -> None:
    """Until both have come so far; and then what both say of it is compared."""
    look = ("inspect", "-f", form, container)
    until(lambda: beside.persona.ok(*look) == wanted, f"ours: {container} is {wanted}", seconds=60)
    until(lambda: beside.daemon.ok(*look).strip() == wanted, f"docker's: {container} is {wanted}", seconds=60)


def _last(text: str) -> str:
    """The last result: how many there were before is each one's own."""
    return text.strip().rstrip(";").rpartition(";")[2]


def _sorted(text: str) -> str:
    """Go shows a struct's fields in their own order."""
    return json.dumps(json.loads(text), sort_keys=True) if text.strip() else ""


def test_what_is_taken_and_written(beside: Beside):
    for words in filter(None, TAKEN.splitlines()):
        beside.line(f"create --network none --name made {words} base true")
        beside.line(f"inspect -f '{CHECK}' made", _sorted)
        beside.remove("made")
    beside.end()


def test_a_life_of_checks(beside: Beside):
    try:
        beside.line(f"run -d --network none --name web --health-cmd 'cat /ready' {SOON} base sleep 999")
        _await(beside, "web", "unhealthy")
        beside.line(f"inspect -f '{LAST}' web", _last)
        beside.line("ps --format '{{.Names}} {{.Status}}'", _normal)
        for word in ("healthy", "unhealthy", "starting", "none", "fine"):
            beside.line(f"ps -q --filter health={word} --filter name=web", _normal)
        beside.line("exec web sh -c 'echo well > /ready'")
        _await(beside, "web", "healthy")
        beside.line(f"inspect -f '{HEALTH}' web")
        beside.line(f"inspect -f '{LAST}' web", _last)
        beside.line("ps --format '{{.Names}} {{.Status}}'", _normal)
        told = "events --since 10m --until 0s --filter container=web --filter event=health_status"
        for ask in (beside.persona.ok, beside.daemon.ok):  # the status is changed before it is told
            until(lambda ask=ask: len(ask(*told.split()).splitlines()) == 2, "both changes are told", seconds=60)
        beside.line(f"{told} --format '{{{{.Action}}}}'")
        beside.line("pause web")
        beside.line(f"inspect -f '{STATUS}' web")
        beside.line("ps --format '{{.Names}} {{.Status}}'", _normal)
        beside.line("unpause web")
        _await(beside, "web", "healthy")
        beside.line("stop -t 0 web")
        beside.line(f"inspect -f '{STATUS}' web")
        beside.line("ps -a --format '{{.Names}} {{.Status}}'", _normal)
        beside.line("ps -aq --filter health=unhealthy", _normal)
        beside.line("rm web")
        beside.line("run -d --network none --name web --health-cmd true --health-interval 5m base sleep 999")
        beside.line(f"inspect -f '{HEALTH}' web")
        beside.line(f"inspect -f '{LAST}' web")
        beside.line("ps --format '{{.Names}} {{.Status}}'", _normal)
        beside.line("ps -q --filter health=starting", _normal)
        beside.line("restart -t 0 web")
        beside.line(f"inspect -f '{HEALTH}' web")
        beside.remove("web")
        words = "--health-cmd 'echo begun; sleep 777' --health-timeout 200ms --health-interval 100ms --health-retries 1"
        beside.line(f"run -d --network none --name web {words} base sleep 999")
        _await(beside, "web", "unhealthy")
        beside.line(f"inspect -f '{LAST}' web", _last)
        beside.remove("web")
        beside.line("create --network none --name web --health-cmd true base true")
        beside.line(f"inspect -f '{HEALTH}' web")
        beside.line("ps -aq --filter health=none --filter name=web", _normal)
    finally:
        beside.remove("web")
    beside.end()


def test_output_is_cut_and_the_start_period_forgives(beside: Beside):
    try:
        words = "--health-cmd 'head -c 5000 /dev/zero | tr \"\\0\" a; exit 3' --health-start-period 10m"
        beside.line(f"run -d --network none --name web {words} --health-interval 100ms base sleep 999")
        # Ours has 28's interval of 5 s in a start period.
        _await(beside, "web", "3", "{{range $i, $r := .State.Health.Log}}{{if eq $i 0}}{{$r.ExitCode}}{{end}}{{end}}")
        beside.line(f"inspect -f '{HEALTH}' web")
        beside.line(f"inspect -f '{LAST}' web", _last)
    finally:
        beside.remove("web")
    beside.end()


def test_an_images_own_check(beside: Beside):
    beside.line("create --network none --name web base sleep 999")
    try:
        for line in filter(None, INSTRUCTIONS.splitlines()):
            change = line.replace('"', '\\"')
            beside.line(f'commit -c "{change}" web checked')
            beside.line("image inspect -f '{{json .Config.Healthcheck}}' checked", _sorted)
            beside.line("create --network none --name own --health-retries 9 checked")
            beside.line(f"inspect -f '{CHECK}' own", _sorted)
            beside.line("rm own")
            beside.line("create --network none --name own --no-healthcheck checked")
            beside.line(f"inspect -f '{CHECK}' own", _sorted)
            beside.line("rm own")
    finally:
        beside.remove("web", "own")
        beside.persona.cli("rmi", "checked")
        beside.daemon.run("rmi", "checked")
    beside.end()
