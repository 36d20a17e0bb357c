"""pause and unpause: the freezer, docker's sentences, and what may be done to what stands still."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.life.inside import alive_record, detached, one_sentence, state, until, with_engine
from tests.personas import Persona

# It counts for as long as it runs.
COUNTING = ("base", "sh", "-c", "n=0; while :; do n=$((n+1)); echo $n; sleep 0.02; done")
with_freezer = pytest.mark.personas("root")


def lines(persona: Persona, container: str) -> int:
    return len(persona.ok("logs", container).splitlines())


def has_freezer(persona: Persona, container: str) -> bool:
    return any(
        os.path.exists(f"{leaf}/{file}")
        for leaf in alive_record(persona, container)["cgroups"]
        for file in ("freezer.state", "cgroup.freeze")
    )


@with_freezer
def test_paused_it_stands_still_and_goes_on(persona: Persona, nothing_left: None):
    container = detached(persona, "--name", "counts", *COUNTING)
    until(lambda: lines(persona, container) > 2, "it counts")
    assert persona.ok("pause", "counts") == "counts"
    found = state(persona, container)
    assert (found["Status"], found["Running"], found["Paused"]) == ("paused", True, True)
    assert persona.ok("ps", "--format", "{{.State}} {{.Status}}").endswith("(Paused)")
    assert persona.ok("ps", "-q", "--filter", "status=paused") == container[:12]
    assert persona.ok("ps", "-q", "--filter", "status=running") == ""
    assert json.loads(persona.ok("info", "--format", "json"))["ContainersPaused"] == 1
    before = lines(persona, container)
    with_engine(persona, "import time; time.sleep(0.3); tell(None)")
    assert lines(persona, container) == before
    assert persona.ok("unpause", "counts") == "counts"
    until(lambda: lines(persona, container) > before + 2, "it counts on")
    assert state(persona, container)["Status"] == "running"
    persona.ok("rm", "-f", container)
    told = persona.ok("events", "--since", "1m", "--until", "0s", "--filter", f"container={container}")
    assert [word for word in ("pause", "unpause", "die") if f" container {word} " in told] == [
        "pause",
        "unpause",
        "die",
    ]


@with_freezer
def test_the_unpause_of_a_kill_stands_before_the_end(persona: Persona, nothing_left: None):
    """Who sends the signal writes both; a client that is slow, or gone, changes nothing of it."""
    container = detached(persona, "--name", "frozen", *COUNTING)
    persona.ok("pause", container)
    with_engine(
        persona,
        f"""
        from ipycontainer.runtime import lifecycle
        one = engine.get({container!r})
        told = lifecycle.kill
        def slow(*arguments):
            thawed = told(*arguments)
            lifecycle.wait(one.folder, one.run_folder, started=True)
            return thawed
        lifecycle.kill = slow
        one.kill()
        tell(None)
        """,
    )
    told = persona.ok(
        "events", "--since", "1m", "--until", "0s", "--filter", f"container={container}", "--format", "{{.Action}}"
    ).split()
    assert told[-4:] == ["pause", "kill", "unpause", "die"], told
    persona.ok("rm", container)


@with_freezer
def test_an_unpause_stands_before_the_end(persona: Persona, nothing_left: None):
    """Who thaws writes it, before the program can go on; a client that is slow, or gone, changes nothing of it."""
    container = detached(persona, "base", "sh", "-c", "until [ -e /go ]; do sleep 0.01; done; exit 4")
    with_engine(
        persona,
        f"""
        from ipycontainer.runtime import lifecycle
        one = engine.get({container!r})
        one.exec(["sh", "-c", "(sleep 0.2; touch /go) >/dev/null 2>&1 &"])
        one.pause()
        told = lifecycle.unpause
        def slow(*arguments):
            told(*arguments)
            lifecycle.wait(one.folder, one.run_folder, started=True)
        lifecycle.unpause = slow
        one.unpause()
        tell(None)
        """,
    )
    words = ("events", "--since", "1m", "--until", "0s", "--filter", f"container={container}", "--format")
    told = persona.ok(*words, "{{.Action}}").splitlines()
    assert told[-3:] == ["pause", "unpause", "die"], told
    persona.ok("rm", container)


@with_freezer
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pause", "still"), "is already paused"),
        (("exec", "still", "true"), "Container still is paused, unpause the container before exec"),
        (("start", "still"), "cannot start a paused container, try unpause instead"),
        (("rm", "still"), "Unpause and then stop the container before attempting removal or force remove"),
        (("unpause", "runs"), "is not paused"),
        (("pause", "made"), "is not running"),
        (("unpause", "made"), "is not paused"),
        (("pause", "nobody"), "No such container: nobody"),
    ],
)
def test_dockers_sentences(persona: Persona, words: tuple[str, ...], says: str):
    for name in ("still", "runs"):
        detached(persona, "--name", name, "base", "sleep", "1000")
    persona.ok("create", "--name", "made", "base", "true")
    persona.ok("pause", "still")
    assert says in one_sentence(persona.cli(*words), code=1)
    assert persona.ok("ps", "--filter", "status=paused", "--format", "{{.Names}}") == "still"


@with_freezer
@pytest.mark.parametrize("words", [("stop", "-t", "5"), ("kill",), ("rm", "-f"), ("stop", "-t", "0")])
def test_what_ends_it_reaches_it(persona: Persona, nothing_left: None, words: tuple[str, ...]):
    container = detached(
        persona, "--name", "still", "base", "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.02; done"
    )
    persona.ok("pause", "still")
    persona.ok(*words, "still")
    if words[0] == "rm":
        assert persona.ok("ps", "-aq") == ""
        return
    code = persona.ok("wait", "still")
    assert code in (("7", "143") if words[:3] == ("stop", "-t", "5") else ("137", "7"))
    assert state(persona, container)["Status"] == "exited"
    persona.ok("rm", "still")


@with_freezer
def test_a_signal_that_is_not_its_stop_signal_waits(persona: Persona):
    """docker's rule: without a stop signal of its own any signal lets it go on, with one that one and KILL."""
    any_signal = detached(persona, "base", "sleep", "1000")
    named = detached(persona, "--stop-signal", "USR2", "base", "sh", "-c", "trap '' USR1; sleep 1000")
    for container in (any_signal, named):
        persona.ok("pause", container)
        persona.ok("kill", "-s", "USR1", container)
    assert [state(persona, one)["Status"] for one in (any_signal, named)] == ["running", "paused"]


@with_freezer
@pytest.mark.parametrize("options", [(), ("--rm",)])
def test_a_killed_monitor_leaves_nothing_that_stands_still(
    persona: Persona, nothing_left: None, options: tuple[str, ...]
):
    container = detached(persona, *options, "base", "sleep", "1000")
    persona.ok("pause", container)
    record = alive_record(persona, container)
    os.kill(record["monitor"], signal.SIGKILL)
    until(lambda: persona.ok("ps", "-q") == "", "whoever looks finds it dead")
    until(lambda: not os.path.exists(f"/proc/{record['pid']}"), "its process has gone")
    persona.cli("rm", "-f", container)
    assert not any(os.path.exists(leaf) for leaf in record["cgroups"])


@with_freezer
def test_the_kernel_says_whether_it_is_paused(persona: Persona):
    """Somebody else has thawed it, or a kill -9 came between mark and freezer: it is running, and can be paused."""
    container = detached(persona, "base", "sleep", "1000")
    mark = persona.run_folders()[0] / "containers" / container / "paused"
    mark.touch()
    assert state(persona, container)["Status"] == "running"
    persona.ok("pause", container)
    for leaf in alive_record(persona, container)["cgroups"]:
        for file, word in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            if os.path.exists(f"{leaf}/{file}"):
                with open(f"{leaf}/{file}", "w") as freezer:
                    freezer.write(word)
    assert state(persona, container)["Status"] == "running"
    persona.ok("pause", container)
    assert state(persona, container)["Status"] == "paused"


def test_without_a_freezer_it_is_refused_in_a_sentence(persona: Persona, nothing_left: None):
    container = detached(persona, "--name", "on", "base", "sleep", "1000")
    if has_freezer(persona, container):
        assert persona.ok("pause", "on") == "on"
    else:
        assert "container on cannot be paused: this machine gives it no control group" in one_sentence(
            persona.cli("pause", "on"), code=1
        )
        assert state(persona, container)["Status"] == "running"
    persona.ok("rm", "-f", "on")


@with_freezer
@pytest.mark.parametrize("other", ["kill", "unpause"])
def test_a_pause_beside_another_verb_leaves_nothing_frozen(persona: Persona, other: str, nothing_left: None):
    """Whichever comes first: what was killed ends, what does not run on says that it is paused."""
    told = with_engine(
        persona,
        f"""
        import threading, time
        def attempt(act, after):
            time.sleep(after)
            try:
                act()
            except errors.WrongState:
                pass
        stuck = []
        for number in range(60):
            container = engine.run("base", ["sleep", "1000"], detach=True)
            acts = [(container.pause, 0), (container.{other}, number * 0.0001)]
            threads = [threading.Thread(target=attempt, args=act) for act in acts]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            if {other!r} == "kill":
                try:
                    container.wait(5)
                except errors.TimedOut:
                    stuck.append(f"{{number}}: killed, and {{container.status}}")
            from ipycontainer.launcher import alive
            from ipycontainer.linux import cgroups
            if container.status == "running" and cgroups.is_frozen(alive.read(container.run_folder)["cgroups"]):
                stuck.append(f"{{number}}: running, and frozen")
            if stuck:
                cgroups.thaw(alive.read(container.run_folder)["cgroups"])  # else nothing could end it
                container.remove(force=True)
                break
            container.remove(force=True)
        tell(stuck)
        """,
    )
    assert told == []


@with_freezer
def test_what_has_just_been_killed_is_not_paused(persona: Persona, nothing_left: None):
    """With cgroup v1 the freezer may be faster than a SIGKILL that was sent before."""
    told = with_engine(
        persona,
        """
        from ipycontainer.launcher import alive
        from ipycontainer.linux import cgroups
        container = engine.run("base", ["sleep", "1000"], detach=True)
        cgroups.freeze(alive.read(container.run_folder)["cgroups"])
        os.kill(container.pid, 9)
        try:
            container.pause()
        except errors.WrongState as error:
            tell([str(error), container.wait(20)])
        container.remove(force=True)
        """,
    )
    assert told[0].endswith("not running any more") or told[0].endswith("is not running"), told
    assert told[1] == 137
