"""--health-cmd: a container turns healthy, unhealthy and back; what its probes leave, and what they do not."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import pytest

from tests.life.inside import alive_record, detached, is_running, one_sentence, state, until, with_engine
from tests.personas import Persona

SOON = ("--health-interval", "50ms", "--health-retries", "2")
READY = ("--health-cmd", "cat /ready", *SOON)


def _health(persona: Persona, container: str) -> dict[str, Any]:
    found: dict[str, Any] = state(persona, container).get("Health", {})
    return found


def _turns(persona: Persona, container: str, status: str) -> dict[str, Any]:
    until(lambda: _health(persona, container)["Status"] == status, f"it is {status}", seconds=30)
    return _health(persona, container)


def _shown(persona: Persona, *words: str) -> str:
    return persona.ok("ps", *words, "--format", "{{.Names}} {{.Status}}")


def _processes(marker: str) -> list[int]:
    """Those whose command line has this word."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if marker.encode() in file.read().split(b"\0") and is_running(int(entry)):
                    found.append(int(entry))
        except OSError:
            continue
    return found


def _children(pid: int) -> set[int]:
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                if int(file.read().rpartition(b")")[2].split()[1]) == pid:
                    found.add(int(entry))
        except OSError:
            continue
    return found


def test_turns_healthy_unhealthy_and_back(persona: Persona, nothing_left: None):
    container = detached(persona, *READY, "--name", "checked", "base", "sleep", "1000")
    _turns(persona, container, "unhealthy")
    assert "(unhealthy)" in _shown(persona)
    persona.ok("exec", container, "sh", "-c", "echo well > /ready")
    found = _turns(persona, container, "healthy")
    assert found["FailingStreak"] == 0 and len(found["Log"]) <= 5
    assert found["Log"][-1].keys() == {"Start", "End", "ExitCode", "Output"}
    assert (found["Log"][-1]["ExitCode"], found["Log"][-1]["Output"]) == (0, "well\n")
    assert found["Log"][-1]["Start"] <= found["Log"][-1]["End"]
    assert "(healthy)" in _shown(persona, "--filter", "health=healthy")
    assert _shown(persona, "--filter", "health=unhealthy") == "" == _shown(persona, "--filter", "health=none")
    persona.ok("exec", container, "rm", "/ready")
    found = _turns(persona, container, "unhealthy")
    assert found["FailingStreak"] >= 2 and "/ready" in found["Log"][-1]["Output"]
    told = persona.ok(
        "events", "--since", "5m", "--until", "0s", "--filter", f"container={container}", "--format", "{{.Action}}"
    )
    assert [line for line in told.splitlines() if "health" in line] == [
        "health_status: unhealthy", "health_status: healthy", "health_status: unhealthy",
    ]  # fmt: skip
    told = persona.ok(
        "events", "--since", "5m", "--until", "0s", "--filter", "event=health_status", "--format", "{{.id}}"
    )
    assert container in told
    persona.ok("stop", "-t", "0", container)
    found = _health(persona, container)
    assert found["Status"] == "unhealthy" and len(found["Log"]) == 5, "docker says so of whoever is not probed"
    persona.ok("rm", container)


def test_a_probe_is_an_exec(persona: Persona, nothing_left: None):
    """Its user, variables, folder, namespaces and control groups are the container's."""
    probe = (
        'echo "$A $PWD"; for kind in pid mnt net ipc uts; do readlink /proc/self/ns/$kind; done; '
        "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; cat /proc/self/cgroup"
    )
    words = ("-e", "A=b", "-w", "/tmp", "--health-cmd", probe, *SOON)
    container = detached(persona, *words, "base", "sleep", "1000")
    found = _turns(persona, container, "healthy")
    assert found["Log"][-1]["Output"].strip() == persona.ok("exec", container, "sh", "-c", probe).strip()
    persona.ok("rm", "-f", container)


def test_starting_and_its_first_interval(persona: Persona, nothing_left: None):
    container = detached(persona, "--health-cmd", "true", "--name", "slowly", "base", "sleep", "1000")
    assert _health(persona, container) == {"Status": "starting", "FailingStreak": 0, "Log": []}
    assert "(health: starting)" in _shown(persona, "--filter", "health=starting")
    persona.ok("rm", "-f", container)


def test_failures_of_the_start_period_do_not_count(persona: Persona, nothing_left: None):
    words = ("--health-cmd", "false", "--health-start-period", "10m", "--health-start-interval", "20ms")
    container = detached(persona, *words, "--health-retries", "1", "base", "sleep", "1000")
    until(lambda: len(_health(persona, container)["Log"]) == 5, "five were run")
    found = _health(persona, container)
    assert (found["Status"], found["FailingStreak"]) == ("starting", 0) and found["Log"][0]["ExitCode"] == 1
    persona.ok("rm", "-f", container)


def test_a_probe_may_be_due_later_than_poll_can_wait(persona: Persona, nothing_left: None):
    container = detached(persona, "--health-cmd", "true", "--health-interval", "1000h", "base", "sleep", "1000")
    persona.ok("exec", container, "true")
    assert state(persona, container)["Status"] == "running"
    persona.ok("rm", "-f", container)


def test_a_probe_that_takes_too_long_ends_with_its_children(persona: Persona, nothing_left: None):
    marker = str(10**6 + os.getpid())  # so long nobody else sleeps
    probe = f"echo begun; sleep {marker} & setsid sleep {marker} & (sleep {marker} &) ; sleep {marker}; true"
    words = ("--health-cmd", probe, "--health-timeout", "300ms", "--health-interval", "10m", "--health-retries", "1")
    container = detached(
        persona, *words, "--health-start-period", "1m", "--health-start-interval", "20ms", "base", "sleep", "1000"
    )
    until(lambda: _processes(marker) != [], "one has begun")
    until(lambda: len(_health(persona, container)["Log"]) > 1, "it was ended, and the next one too")
    result = _health(persona, container)["Log"][0]
    assert result["ExitCode"] == -1 and result["Output"] == "Health check exceeded timeout (300ms)"
    # Of those that were ended none is left: there are never more than one probe's.
    assert len(_processes(marker)) <= 5
    persona.ok("exec", container, "true")
    persona.ok("rm", "-f", container)
    until(lambda: _processes(marker) == [], "the last probe went with its container")


def test_nor_does_a_child_outlive_it_that_was_forked_while_it_was_killed(persona: Persona, nothing_left: None):
    marker = str(10**6 + os.getpid())
    forks = f"i=0; while [ $i -lt 3000 ]; do i=$((i+1)); setsid sleep {marker} & done"
    probe = f"test -e /begun && exit 0; echo > /begun; {forks}; wait"
    words = ("--health-cmd", probe, "--health-timeout", "1s", "--health-interval", "20ms")
    container = detached(persona, *words, "base", "sleep", "1000")
    seen: list[dict[str, Any]] = []

    def is_ended() -> bool:
        seen[:] = _health(persona, container)["Log"]
        return bool(seen)

    until(is_ended, "it was ended")  # and what this look showed counts: no more than five are kept
    assert seen[0]["ExitCode"] == -1
    _turns(persona, container, "healthy")
    until(lambda: _processes(marker) == [], "none is left of it")
    persona.ok("rm", "-f", container)


@pytest.mark.personas("root")  # an ordinary user's containers have no freezer on cgroup v1
def test_none_runs_while_it_stands_still(persona: Persona, nothing_left: None):
    container = detached(persona, "--health-cmd", "echo x >> /count", *SOON, "base", "sleep", "1000")
    _turns(persona, container, "healthy")
    persona.ok("pause", container)
    monitor = alive_record(persona, container)["monitor"]
    before = _children(monitor)
    time.sleep(0.5)  # ten intervals: that nothing happens cannot be waited for
    assert _children(monitor) <= before, "nothing was begun; what ran at that moment stands still too"
    assert "(Paused)" in persona.ok("ps", "--format", "{{.Status}}")
    persona.ok("unpause", container)
    seen = len(persona.ok("exec", container, "cat", "/count").split())
    until(lambda: len(persona.ok("exec", container, "cat", "/count").split()) > seen, "they go on")
    assert _turns(persona, container, "healthy")["FailingStreak"] == 0
    persona.ok("rm", "-f", container)


def test_the_images_own(persona: Persona, nothing_left: None):
    container = detached(persona, "base", "sleep", "1000")
    line = "HEALTHCHECK --interval=50ms --retries=1 CMD test ! -e /ill"
    persona.ok("commit", "-c", line, container, "checks-itself")
    persona.ok("rm", "-f", container)
    known = {"Test": ["CMD-SHELL", "test ! -e /ill"], "Interval": 50_000_000, "Retries": 1}
    assert json.loads(persona.ok("image", "inspect", "-f", "{{json .Config.Healthcheck}}", "checks-itself")) == known
    own = detached(persona, "checks-itself")
    assert json.loads(persona.ok("inspect", "-f", "{{json .Config.Healthcheck}}", own)) == known
    _turns(persona, own, "healthy")
    persona.ok("exec", own, "touch", "/ill")
    _turns(persona, own, "unhealthy")
    piecewise = detached(persona, "--health-retries", "1000", "checks-itself")
    assert json.loads(persona.ok("inspect", "-f", "{{json .Config.Healthcheck}}", piecewise)) == {
        **known,
        "Retries": 1000,
    }
    none = detached(persona, "--no-healthcheck", "--name", "unchecked", "checks-itself")
    assert _health(persona, none) == {} and "(" not in _shown(persona, "--filter", "name=unchecked")
    assert "unchecked" in _shown(persona, "--filter", "health=none")
    persona.ok("rm", "-f", own, piecewise, none)
    persona.ok("rmi", "checks-itself")
    persona.ok("run", "--rm", "base", "true")  # what a run keeps of an image is of this very index


def test_a_restart_begins_with_starting(persona: Persona, nothing_left: None):
    check = ("--health-cmd", "test -e /ready && sleep 0", "--health-interval", "100ms", "--health-retries", "1000")
    words = (*check, "--restart", "always")  # so many failures no machine is too slow for
    container = detached(persona, *words, "base", "sh", "-c", "rm -f /ready; exec sleep 1000")
    persona.ok("exec", container, "touch", "/ready")
    _turns(persona, container, "healthy")
    first = state(persona, container)["Pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: state(persona, container)["Pid"] not in (0, first), "it is back")
    found = _health(persona, container)
    assert found["Status"] == "starting" and found["FailingStreak"] < 1000, found
    persona.ok("exec", container, "touch", "/ready")
    _turns(persona, container, "healthy")
    persona.ok("restart", "-t", "0", container)
    assert _health(persona, container)["Status"] == "starting"
    persona.ok("exec", container, "touch", "/ready")
    _turns(persona, container, "healthy")
    persona.ok("rm", "-f", container)


def test_what_a_probe_says_is_cut(persona: Persona, nothing_left: None):
    words = ("--health-cmd", "head -c 100000 /dev/zero | tr '\\0' a", "--health-interval", "50ms")
    container = detached(persona, *words, "base", "sleep", "1000")
    found = _turns(persona, container, "healthy")
    assert found["Log"][-1]["Output"] == "a" * 4096 + "..."
    persona.ok("rm", "-f", container)


def test_a_program_that_is_not_there(persona: Persona, nothing_left: None):
    container = detached(persona, "base", "sleep", "1000")
    persona.ok(
        "commit", "-c", 'HEALTHCHECK --interval=50ms --retries=1 CMD ["/not/there"]', container, "checks-nothing"
    )
    checked = detached(persona, "checks-nothing")
    result = _turns(persona, checked, "unhealthy")["Log"][-1]
    assert result["ExitCode"] == -1 and "/not/there" in result["Output"]
    persona.ok("rm", "-f", container, checked)
    persona.ok("rmi", "checks-nothing")
    persona.ok("run", "--rm", "base", "true")  # what a run keeps of an image is of this very index


def test_it_ends_in_the_middle_of_a_probe(persona: Persona, nothing_left: None):
    marker = str(2 * 10**6 + os.getpid())
    container = detached(
        persona, "--health-cmd", f"sleep {marker}", "--health-interval", "20ms", "base", "sleep", "1000"
    )
    until(lambda: _processes(marker) != [], "one has begun")
    persona.ok("kill", container)
    assert persona.ok("wait", container) == "137"
    until(lambda: _processes(marker) == [], "it went with its container")
    persona.ok("rm", container)


def test_a_killed_monitor_takes_its_probe_along(persona: Persona, nothing_left: None):
    marker = str(3 * 10**6 + os.getpid())
    container = detached(
        persona, "--health-cmd", f"sleep {marker}", "--health-interval", "20ms", "base", "sleep", "1000"
    )
    until(lambda: _processes(marker) != [], "one has begun")
    os.kill(alive_record(persona, container)["monitor"], signal.SIGKILL)
    until(lambda: _processes(marker) == [], "it went with the monitor")
    until(lambda: state(persona, container)["Status"] == "dead", "and the container")
    assert _health(persona, container)["Status"] == "unhealthy" and _health(persona, container)["Log"] == []
    persona.ok("rm", container)


def test_from_python(persona: Persona, nothing_left: None):
    code = """
        container = engine.run("base", ["sleep", "1000"], detach=True, health_cmd="echo well", health_interval=0.05)
        before = container.health.status
        while container.health.status == "starting":
            pass
        after = container.health
        plain = engine.run("base", ["sleep", "1000"], detach=True)
        tell([before, after.status, after.failing_streak, after.log[-1]["Output"], plain.health])
        container.remove(force=True)
        plain.remove(force=True)
        try:
            engine.run("base", ["true"], health_cmd="true", no_healthcheck=True)
        except errors.InputError as error:
            print(error, file=sys.stderr)
    """
    assert with_engine(persona, code) == ["starting", "healthy", 0, "well\n", None]


def test_what_is_refused(persona: Persona, nothing_left: None):
    for words, said in (
        (("--no-healthcheck", "--health-cmd", "a"), "--no-healthcheck conflicts with --health-* options"),
        (("--health-interval", "-1s"), "--health-interval cannot be negative"),
        (("--health-timeout", "1us"), "Timeout in Healthcheck cannot be less than 1ms"),
    ):
        assert said in one_sentence(persona.cli("run", "--rm", *words, "base", "true"), code=125)
    assert "Unrecognised filter value for health: fine" in persona.cli("ps", "--filter", "health=fine").err
