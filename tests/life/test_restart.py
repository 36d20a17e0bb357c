"""restart: stop as stop does, start as start does, and what was made with --rm stays for it."""

from __future__ import annotations

import os
import signal

from tests.life.inside import detached, one_sentence, state, until, with_engine
from tests.personas import Persona


def test_restart_ends_it_and_starts_it(persona: Persona, nothing_left: None):
    container = detached(persona, "--name", "again", "base", "sh", "-c", "echo on; sleep 1000")
    until(lambda: persona.ok("logs", container) == "on", "it is on")
    before = state(persona, container)
    assert persona.ok("restart", "-t", "0", "again") == "again"
    after = state(persona, container)
    assert after["Running"] and after["Pid"] != before["Pid"] and after["StartedAt"] > before["StartedAt"]
    until(lambda: persona.ok("logs", container) == "on\non", "it said it twice")
    told = persona.ok(
        "events", "--since", "1m", "--until", "0s", "--filter", f"container={container}", "--format", "{{.Action}}"
    )
    # Whether the first signal was enough is a matter of the moment.
    assert list(dict.fromkeys(told.split())) == ["create", "start", "kill", "die", "stop", "restart"]
    assert told.split()[-3:] == ["stop", "start", "restart"]
    persona.ok("rm", "-f", "again")


def test_restart_sends_the_signal_that_was_asked_for(persona: Persona):
    script = "trap 'echo asked; exit 0' USR1; echo on; while :; do sleep 0.02; done"
    container = detached(persona, "base", "sh", "-c", script)
    until(lambda: persona.ok("logs", container) == "on", "the trap is set")
    persona.ok("restart", "-s", "USR1", container)
    until(lambda: persona.ok("logs", container) == "on\nasked\non", "it was asked, and is on again")
    assert "Invalid signal: NONE" in one_sentence(persona.cli("restart", "-s", "NONE", container), code=1)
    persona.ok("stop", "-s", "USR1", container)
    assert persona.ok("wait", container) == "0"


def test_what_does_not_run_is_started(persona: Persona):
    made = persona.ok("create", "base", "sleep", "1000")
    ended = persona.ok("create", "base", "sleep", "1000")
    persona.ok("start", ended)
    persona.ok("kill", ended)
    persona.ok("wait", ended)
    done = persona.cli("restart", made, "nobody", ended)
    assert done.exit_code == 1 and done.out.split() == [made, ended] and "No such container: nobody" in done.err
    assert all(state(persona, one)["Running"] for one in (made, ended))


def test_what_was_made_with_rm_stays_and_goes_when_it_ends(persona: Persona, nothing_left: None):
    script = "echo at $(cat /n 2>/dev/null); echo x >> /n; sleep 1000"
    container = detached(persona, "--rm", "--name", "passing", "base", "sh", "-c", script)
    until(lambda: persona.ok("logs", container) == "at", "it is on")
    persona.ok("restart", "-t", "0", "passing")
    until(lambda: persona.ok("logs", container) == "at\nat x", "what it wrote is there")
    persona.ok("kill", "passing")
    until(lambda: persona.ok("ps", "-aq") == "", "it has removed itself")


def test_a_killed_restart_keeps_nothing(persona: Persona, nothing_left: None):
    """The lock that keeps an --rm one goes with whoever holds it: then the end removes it, as was asked."""
    container = detached(persona, "--rm", "base", "sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.02; done")
    until(lambda: persona.ok("logs", container) == "on", "the trap is set")
    restarter = persona.popen(["ipycontainer", "restart", container])
    mark = persona.run_folders()[0] / "containers" / container / "restarting"
    until(mark.exists, "it is being restarted")
    os.kill(restarter.pid, signal.SIGKILL)
    restarter.communicate()
    persona.ok("kill", container)
    until(lambda: persona.ok("ps", "-aq") == "", "it has removed itself")


def test_in_python(persona: Persona):
    told = with_engine(
        persona,
        """
        made = engine.run("base", ["sleep", "1000"], detach=True)
        first = made.pid
        made.restart(timeout=0)
        tell([first != made.pid, made.status])
        made.remove(force=True)
        """,
    )
    assert told == [True, "running"]


def test_a_start_waits_for_who_is_sweeping(persona: Persona, nothing_left: None):
    """What ran before is over; that its lock is still held, by a sweep or a copy, is nobody's business but ours."""
    container = persona.ok("create", "base", "true")
    seconds = with_engine(
        persona,
        f"""
        import threading, time
        from ipycontainer.engine.copying import Root
        container = engine.get({container!r})
        root = Root(container)
        with root:
            begin = time.monotonic()
            starting = threading.Thread(target=container.start)
            starting.start()
            time.sleep(0.4)
        starting.join()
        tell(time.monotonic() - begin)
        """,
    )
    assert seconds > 0.4
    assert persona.ok("wait", container) == "0"
    persona.ok("rm", container)
