"""--restart: who is started again, in which network, after which wait; and who is not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest

from tests.life.inside import alive_record, detached, one_sentence, state, until, with_engine
from tests.personas import Persona

FAILS = "echo on; exit 3"
Given = TypeVar("Given")


def _inspect(persona: Persona, container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(persona.ok("inspect", container))[0]
    return found


def _ended(persona: Persona, container: str) -> bool:
    return state(persona, container)["Status"] == "exited"


def _waits_for_a_while(persona: Persona, container: str) -> None:
    """Until it waits for more than a second to be started again."""
    until(
        lambda: (found := _inspect(persona, container))["RestartCount"] > 4 and found["State"]["Restarting"],
        "it waits to be started again",
    )


def _while_it_waits(persona: Persona, container: str, act: Callable[[], Given]) -> Given:
    """What `act` gives, where it waited all the time: on a slow machine its next start comes in between."""
    for _ in range(10):
        _waits_for_a_while(persona, container)
        before = _inspect(persona, container)["RestartCount"]
        given = act()
        after = _inspect(persona, container)
        if after["State"]["Restarting"] and after["RestartCount"] == before:
            return given
        persona.cli("unpause", container)
    raise AssertionError("it never waited for as long as this takes")


def _told(persona: Persona, container: str) -> list[str]:
    words = ("events", "--since", "5m", "--until", "0s", "--filter", f"container={container}")
    return persona.ok(*words, "--format", "{{.Action}}").split()


def test_on_failure_tries_so_often(persona: Persona, nothing_left: None):
    script = "readlink /proc/self/ns/net; readlink /proc/self/ns/user; echo x >> /n; wc -l < /n; exit 3"
    container = detached(persona, "--restart", "on-failure:3", "--name", "trying", "base", "sh", "-c", script)
    until(lambda: _ended(persona, container), "it has given up")
    said = persona.ok("logs", container).split()
    assert said[2::3] == ["1", "2", "3", "4"], "its files stay, and no start's log is lost"
    assert len(set(said[0::3])) == 1, "its network stays"
    found = _inspect(persona, container)
    assert found["RestartCount"] == 3 and found["State"]["ExitCode"] == 3 and not found["State"]["Restarting"]
    assert found["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert _told(persona, container) == ["create", *["start", "die"] * 4]
    assert persona.ok("wait", container) == "3"
    persona.ok("start", container)
    until(lambda: _inspect(persona, container)["RestartCount"] == 3 and _ended(persona, container), "it counts anew")
    persona.ok("rm", container)


def test_what_ends_well_is_not_a_failure(persona: Persona, nothing_left: None):
    container = detached(persona, "--restart", "on-failure", "base", "true")
    until(lambda: _ended(persona, container), "it has ended")
    assert _inspect(persona, container)["RestartCount"] == 0
    persona.ok("rm", container)


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_a_killed_program_comes_back_and_a_stopped_one_does_not(persona: Persona, policy: str, nothing_left: None):
    container = detached(persona, "--restart", policy, "base", "sh", "-c", "echo on; exec sleep 1000")
    first = state(persona, container)
    os.kill(first["Pid"], signal.SIGKILL)  # not by our doing
    until(lambda: state(persona, container)["Pid"] not in (0, first["Pid"]), "it is back")
    assert _inspect(persona, container)["RestartCount"] == 1
    assert persona.ok("exec", container, "echo", "here") == "here"
    persona.ok("stop", "-t", "0", container)
    assert state(persona, container)["Status"] == "exited" and state(persona, container)["ExitCode"] == 137
    assert persona.ok("logs", container) == "on\non"
    persona.ok("start", container)
    assert _inspect(persona, container)["RestartCount"] == 0
    persona.ok("kill", container)
    assert persona.ok("wait", container) == "137"
    assert _told(persona, container).count("start") == 3
    persona.ok("rm", container)


def test_stop_while_it_waits(persona: Persona, nothing_left: None):
    container = detached(persona, "--restart", "always", "--name", "looping", "base", "sh", "-c", FAILS)
    looked = ("ps", "--filter", "status=restarting", "--format", "{{.Names}} {{.State}} {{.Status}}")
    shown = _while_it_waits(persona, container, lambda: persona.ok(*looked))
    assert shown.startswith("looping restarting Restarting (3) ")
    found = _while_it_waits(persona, container, lambda: state(persona, container))
    assert found["Running"] and found["Restarting"] and found["Pid"] == 0 and found["ExitCode"] == 3
    for words in (("exec", container, "true"), ("pause", container), ("top", container)):
        said = _while_it_waits(persona, container, partial(persona.cli, *words)).err
        assert "is restarting, wait until the container is running" in said
    refused = _while_it_waits(persona, container, lambda: persona.cli("rm", container))
    assert "You cannot remove a restarting container" in one_sentence(refused, code=1)
    assert persona.ok("start", container) == container  # docker says so: it is about to run
    persona.ok("stop", container)
    found = state(persona, container)
    assert (found["Status"], found["ExitCode"], found["Running"]) == ("exited", 3, False)
    persona.ok("rm", container)


@pytest.mark.parametrize("words", [("kill",), ("rm", "-f")])
def test_kill_and_remove_while_it_waits(persona: Persona, words: tuple[str, ...], nothing_left: None):
    container = detached(persona, "--restart", "always", "base", "sh", "-c", FAILS)
    _waits_for_a_while(persona, container)
    persona.ok(*words, container)
    if words == ("kill",):
        until(lambda: _ended(persona, container), "it has ended")
        persona.ok("rm", container)
    assert persona.ok("ps", "-aq", "--no-trunc", "--filter", f"id={container}") == ""


def test_stop_at_any_moment(persona: Persona, nothing_left: None):
    """Between two starts, within one, while it runs: whoever was told that it is stopped finds it so."""
    for _ in range(12):
        container = detached(persona, "--restart", "always", "base", "true")
        persona.ok("stop", "-t", "0", container)
        assert state(persona, container)["Status"] == "exited", _told(persona, container)
        persona.ok("rm", container)


def test_another_signal_than_the_stop_signal(persona: Persona, nothing_left: None):
    """docker: `unless-stopped` was signalled by hand and stays away; `always` ends for its stop signal alone."""
    kept = {}
    script = "trap 'exit 7' HUP; echo on; while :; do sleep 0.02; done"
    for policy in ("always", "unless-stopped"):
        kept[policy] = detached(persona, "--restart", policy, "--stop-signal", "INT", "base", "sh", "-c", script)
        until(lambda policy=policy: persona.ok("logs", kept[policy]) == "on", "it is on")
        persona.ok("kill", "-s", "HUP", kept[policy])
    until(lambda: _inspect(persona, kept["always"])["RestartCount"] == 1, "it came back")
    until(lambda: _ended(persona, kept["unless-stopped"]), "it did not")
    persona.ok("rm", "-f", *kept.values())


def test_update_reaches_a_living_one(persona: Persona, nothing_left: None):
    container = detached(persona, "base", "sleep", "1000")
    persona.ok("update", "--restart", "always", container)
    pid = state(persona, container)["Pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: state(persona, container)["Pid"] not in (0, pid), "it came back")
    assert _inspect(persona, container)["HostConfig"]["RestartPolicy"]["Name"] == "always"
    persona.ok("update", "--restart", "no", container)
    os.kill(state(persona, container)["Pid"], signal.SIGKILL)
    until(lambda: _ended(persona, container), "it did not come back again")
    persona.ok("rm", container)
    passing = detached(persona, "--rm", "base", "sleep", "1000")
    assert "AutoRemove is enabled" in persona.cli("update", "--restart", "always", passing).err
    persona.ok("rm", "-f", passing)


@pytest.mark.personas("root")
def test_limits_that_were_updated_stay(persona: Persona, nothing_left: None):
    container = detached(persona, "-m", "64m", "--restart", "always", "base", "sleep", "1000")
    persona.ok("update", "-m", "80m", container)
    pid = state(persona, container)["Pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: state(persona, container)["Pid"] not in (0, pid), "it came back")
    usage = persona.ok("stats", "--no-stream", "--format", "{{.MemUsage}}", container)
    assert usage.endswith("80MiB")
    persona.ok("rm", "-f", container)


def test_a_killed_monitor_leaves_what_is_known(persona: Persona, nothing_left: None):
    container = detached(persona, "--restart", "always", "base", "sh", "-c", "exit 3")
    _waits_for_a_while(persona, container)
    os.kill(alive_record(persona, container)["monitor"], signal.SIGKILL)
    until(lambda: _ended(persona, container), "it is not restarting any more")
    assert state(persona, container)["ExitCode"] == 3
    persona.ok("rm", container)


def test_a_new_launcher_joins_the_monitor_that_waits(fresh_persona: Persona, nothing_left: None):
    persona = fresh_persona  # no other container lives in its store
    container = detached(persona, "--restart", "always", "base", "sh", "-c", "exit 3", timeout=120)
    _waits_for_a_while(persona, container)
    os.kill(with_engine(persona, "tell(engine.launcher.running_pid())"), signal.SIGKILL)
    assert persona.ok("run", "--rm", "base", "echo", "on") == "on"
    persona.ok("rm", "-f", container)
    persona.ok("system", "shutdown")


def test_who_waits_and_who_is_attached_leave_at_the_first_end(persona: Persona):
    done = persona.cli("run", "--restart", "always", "--name", "again", "base", "sh", "-c", FAILS)
    assert (done.exit_code, done.out) == (3, "on\n")
    waiting = persona.popen(["ipycontainer", "wait", "again"])
    out, _ = waiting.communicate(timeout=60)
    assert out == b"3\n"
    persona.ok("rm", "-f", "again")


def test_restart_of_what_waits(persona: Persona, nothing_left: None):
    there = persona.path("shown/word", "wait").parent
    script = "grep -q go /shown/word && exec sleep 1000; exit 3"
    container = detached(persona, "--restart", "always", "-v", f"{there}:/shown", "base", "sh", "-c", script)
    _waits_for_a_while(persona, container)
    persona.path("shown/word", "go")
    persona.ok("restart", container)
    assert state(persona, container)["Status"] == "running"
    assert _inspect(persona, container)["RestartCount"] == 0
    persona.ok("rm", "-f", container)


def test_in_python(persona: Persona):
    told = with_engine(
        persona,
        """
        made = engine.run("base", ["sh", "-c", "exit 3"], detach=True, restart="on-failure:1")
        code = made.wait()
        import time
        end = time.monotonic() + 15
        while made.status != "exited" and time.monotonic() < end:
            time.sleep(0.01)
        made.update(restart="always")
        tell([code, made.status, made.inspect()["RestartCount"]])
        made.remove(force=True)
        """,
    )
    assert told == [3, "exited", 1]


@pytest.mark.parametrize("policy", ["no", "always"])
def test_what_is_started_anew_is_not_what_was_stopped(persona: Persona, policy: str, nothing_left: None):
    """Somebody stops it, somebody else starts it at the same moment: nobody waits for an end that is not his."""
    told = with_engine(
        persona,
        f"""
        from ipycontainer.engine import transitions
        container = engine.run("base", ["sleep", "1000"], detach=True, restart={policy!r})
        began = container.state().started
        container.restart(timeout=0)         # what the other one does, between our look and our wait
        transitions._await_end(container, began)
        tell(container.status)
        container.remove(force=True)
        """,
        timeout=30,
    )
    assert told == "running"


def test_wait_knows_the_end_of_what_runs_again(persona: Persona, nothing_left: None):
    """Its policy was faster than the look after the end."""
    told = with_engine(
        persona,
        """
        from ipycontainer.engine import container as module
        from ipycontainer.runtime.container_state import RUNNING, State
        container = engine.run("base", ["sh", "-c", "exit 3"], detach=True, restart="on-failure:1")
        while container.status != "exited":
            container.wait()
        wait, module.lifecycle.wait = module.lifecycle.wait, lambda *_, **__: State(RUNNING, restarts=1)
        tell(container.wait())
        module.lifecycle.wait = wait
        container.remove()
        """,
        timeout=60,
    )
    assert told == 3


def test_its_monitor_holds_no_more_after_each_restart(persona: Persona, nothing_left: None):
    """What was a program's input and output: one that restarts for months has a bounded number of descriptors."""
    container = detached(persona, "-i", "--restart", "always", "base", "sh", "-c", "echo on; sleep 1000")
    monitor = alive_record(persona, container)["monitor"]

    def held() -> list[str]:
        folder = f"/proc/{monitor}/fd"
        return sorted(os.readlink(f"{folder}/{name}").partition(":")[0] for name in os.listdir(folder))

    def runs(count: int) -> bool:
        found = _inspect(persona, container)
        return found["RestartCount"] == count and found["State"]["Pid"] > 0 and found["State"]["Running"]

    def waits() -> bool:
        with open(f"/proc/{monitor}/syscall", encoding="ascii") as file:
            return file.read().split()[0] in ("7", "271")  # poll(2), ppoll(2): it has been handed everything

    def written() -> int:
        return persona.ok("logs", container).count("on")  # the log is opened with the first word

    counts = []
    for count in range(4):
        until(lambda: runs(count) and waits() and written() == count + 1, "it runs again")  # noqa: B023  called at once
        counts.append(held())
        os.kill(_inspect(persona, container)["State"]["Pid"], signal.SIGKILL)
    assert counts[1:] == counts[:-1], counts
    persona.ok("rm", "-f", container)


def test_a_client_that_does_not_read_leaves_its_monitor_no_zombie(persona: Persona, nothing_left: None):
    """The last word of the first start waits for it, in a process of its own."""
    told = with_engine(
        persona,
        """
        import time
        script = '[ -e /again ] && exec sleep 1000; touch /again; until [ -e /go ]; do sleep 0.02; done; ' \\
            'head -c 8000000 /dev/zero; exit 1'
        container = engine.run("base", ["sh", "-c", script], detach=True, restart="on-failure")
        deaf = container.attach()
        container.exec(["touch", "/go"])
        while container.state().restarts < 1 or not container.state().pid:
            time.sleep(0.01)
        monitor, first = container.state().monitor, container.state().pid
        end, children = time.monotonic() + 10, []
        while children != [first] and time.monotonic() < end:  # its starter is one too, for a moment
            with open(f"/proc/{monitor}/task/{monitor}/children") as file:
                children = [int(word) for word in file.read().split()]
        taken = sum(len(data) for _, data in deaf)
        container.remove(force=True)
        tell([children == [first], deaf.exit_code, 0 < taken < 8000000])
        """,
        timeout=120,
    )
    assert told == [True, 1, True]
