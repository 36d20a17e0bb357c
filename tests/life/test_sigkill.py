"""SIGKILL to any process of ours: containers go on or are known to be dead, and nothing is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import names
from tests.life.inside import (
    alive_record,
    detached,
    is_running,
    run_folder_entries,
    state,
    until,
    with_engine,
)
from tests.personas import Persona

LOOP = "trap 'exit 7' TERM; n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done"
PROGRAM = ("base", "sh", "-c", LOOP)


@pytest.fixture(autouse=True)
def nothing_left_at_last(persona: Persona, _folder: Path) -> Iterator[None]:
    """As `nothing_left`, but launchers are what is killed here: without one before, without one after."""
    persona.ok("run", "--rm", "base", "true", timeout=120)
    persona.ok("system", "shutdown")

    def look() -> names.Names:
        return names.snapshot(str(_folder), [persona.store, *persona.run_folders()], persona.store / "events")

    before = names.settled(look)
    yield
    persona.remove_containers()
    persona.ok("system", "shutdown")
    names.assert_same(before, look)


def kill(*pids: int) -> None:
    """At once, and until they are dead."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        until(lambda pid=pid: not is_running(pid), f"process {pid} is dead")  # type: ignore[misc]


def launcher(persona: Persona) -> int:
    found: int = with_engine(persona, "tell(engine.launcher.facts()['pid'])")
    return found


def lines(persona: Persona, container: str) -> int:
    return len(persona.ok("logs", container).splitlines())


def test_the_launcher_dies_and_a_detached_container_goes_on(persona: Persona):
    container = detached(persona, *PROGRAM)
    pid, first = alive_record(persona, container)["pid"], launcher(persona)
    kill(first)
    said = lines(persona, container)
    until(lambda: lines(persona, container) > said, "it goes on and is logged")
    assert is_running(pid) and state(persona, container)["Status"] == "running"
    # A new launcher joins the namespaces of what lives, so that it can enter the old container.
    assert persona.ok("exec", container, "echo", "in") == "in"
    assert launcher(persona) != first
    assert persona.ok("run", "--rm", "base", "echo", "new") == "new"
    persona.ok("stop", container)
    assert (persona.ok("wait", container), state(persona, container)["ExitCode"]) == ("7", 7)
    assert lines(persona, container) > said


def test_the_launcher_dies_twice(persona: Persona):
    container = detached(persona, *PROGRAM)
    for _ in range(2):
        kill(launcher(persona))
        assert persona.ok("exec", container, "echo", "in") == "in"
    second = detached(persona, *PROGRAM)
    persona.ok("rm", "-f", container)
    kill(launcher(persona))
    assert persona.ok("exec", second, "echo", "in") == "in"


def test_the_launcher_dies_under_a_foreground_container(persona: Persona):
    process = persona.popen(["ipycontainer", "run", "--rm", "--name", "front", *PROGRAM])
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    kill(launcher(persona))
    for number in range(2, 6):
        assert process.stdout.readline() == b"%d\n" % number
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 7


def test_the_command_line_dies_and_its_container_goes_on(persona: Persona):
    process = persona.popen(["ipycontainer", "run", "--name", "front", *PROGRAM])
    assert process.stdout is not None and process.stdout.readline() == b"1\n"
    kill(process.pid)
    process.communicate()
    said = lines(persona, "front")
    until(lambda: lines(persona, "front") > said, "it goes on and is logged")
    persona.ok("stop", "front")
    assert state(persona, "front")["ExitCode"] == 7


def test_the_command_line_of_an_exec_dies(persona: Persona):
    container = detached(persona, *PROGRAM)
    process = persona.popen(["ipycontainer", "exec", container, "sh", "-c", "echo on; sleep 0.3; echo x > /after"])
    assert process.stdout is not None and process.stdout.readline() == b"on\n"
    kill(process.pid)
    process.communicate()
    until(lambda: persona.cli("exec", container, "cat", "/after").out == "x\n", "the exec goes on")


def test_the_monitor_dies_and_so_does_its_container(persona: Persona):
    container = detached(persona, *PROGRAM)
    child = persona.popen(["ipycontainer", "exec", container, "sleep", "1000"])
    record = alive_record(persona, container)
    until(lambda: "sleep 1000" in persona.ok("exec", container, "ps", "-ef"), "the exec runs")
    kill(record["monitor"])
    until(lambda: not is_running(record["pid"]), "the kernel has killed the container", 5)
    child.communicate(timeout=20)
    assert child.returncode == 137  # what ran in it is dead too, and that is known
    told = state(persona, container)
    assert (told["Running"], told["ExitKnown"], told["Pid"]) == (False, False, 0)
    assert "the monitor was killed" in told["Error"]
    assert "1\n" in persona.ok("logs", container) + "\n"
    persona.ok("ps", "-a")
    until(lambda: not run_folder_entries(persona), "who looked has swept", 5)
    done = persona.cli("wait", container)
    assert done.exit_code == 1 and "not known" in done.err and done.out == "", done
    persona.ok("rm", container)


def test_the_monitor_of_a_foreground_container_dies(persona: Persona):
    process = persona.popen(["ipycontainer", "run", "--name", "front", *PROGRAM])
    assert process.stdout is not None and process.stdout.readline() == b"1\n"
    container = persona.ok("ps", "-q", "--no-trunc")
    kill(alive_record(persona, container)["monitor"])
    _, err = process.communicate(timeout=20)
    assert process.returncode == 125 and len(err.splitlines()) == 1 and b"monitor" in err, err


def test_after_its_monitor_died_a_container_starts_again(persona: Persona):
    container = detached(persona, *PROGRAM)
    kill(alive_record(persona, container)["monitor"])
    persona.ok("start", container)
    assert state(persona, container)["Status"] == "running"
    assert persona.ok("exec", container, "echo", "in") == "in"


def test_rm_alone_sweeps_after_its_monitor_died(persona: Persona):
    container = detached(persona, *PROGRAM)
    kill(alive_record(persona, container)["monitor"])
    persona.ok("rm", container)
    assert not run_folder_entries(persona)


def test_with_rm_too_what_is_left_can_be_removed(persona: Persona):
    container = detached(persona, "--rm", *PROGRAM)
    kill(alive_record(persona, container)["monitor"])
    for left in persona.ok("ps", "-aq").split():
        persona.ok("rm", left)


STUBBORN = """
import ctypes, time
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)  # PR_SET_PDEATHSIG: none
print("stubborn", flush=True)
time.sleep(1000)
"""


def test_a_program_that_would_outlive_its_monitor_is_killed_by_who_looks(persona: Persona):
    container = detached(persona, "base", "python3", "-c", STUBBORN)
    until(lambda: persona.ok("logs", container) == "stubborn", "it has taken its signal back")
    record = alive_record(persona, container)
    kill(launcher(persona), record["monitor"])  # the launcher would sweep at once
    assert is_running(record["pid"]), "the attack does not work: the test shows nothing"
    persona.ok("ps", "-a")
    until(lambda: not is_running(record["pid"]), "it is killed", 5)
    persona.ok("rm", container)


def test_launcher_and_monitor_die_at_once(persona: Persona):
    one, other = detached(persona, *PROGRAM), detached(persona, *PROGRAM)
    record = alive_record(persona, one)
    kill(launcher(persona), record["monitor"])
    until(lambda: not is_running(record["pid"]), "its container is dead", 5)
    assert state(persona, one)["ExitKnown"] is False
    assert persona.ok("exec", other, "echo", "in") == "in"


def test_everything_of_ours_dies_at_once(persona: Persona):
    containers = [detached(persona, *PROGRAM) for _ in range(3)]
    records = [alive_record(persona, container) for container in containers]
    kill(launcher(persona), *(record["monitor"] for record in records))
    for record in records:
        until(lambda pid=record["pid"]: not is_running(pid), "they are dead", 5)  # type: ignore[misc]
    assert persona.ok("ps", "-q") == ""
    assert len(persona.ok("ps", "-aq").split()) == 3


def test_shutdown_right_after_the_launcher_was_killed(persona: Persona):
    """Those who waited with it still listen for an instant; the next one must not be asked, nor the sockets stay."""
    for _ in range(5):
        persona.ok("run", "--rm", "base", "true")
        os.kill(launcher(persona), signal.SIGKILL)
        persona.ok("system", "shutdown")
        left = [name for folder in persona.run_folders() if folder.is_dir() for name in os.listdir(folder)]
        assert not [name for name in left if name.startswith("launcher-")], left
