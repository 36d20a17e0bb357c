"""Names, ids, rename, rm; and the journal of all that happens."""

from __future__ import annotations

import json
import re

import pytest

from tests.life.inside import detached, one_sentence, until, with_engine
from tests.personas import Persona


def test_a_name_is_made_up_in_docker_s_pattern(persona: Persona):
    persona.ok("create", "base", "true")
    assert re.fullmatch(r"[a-z]+_[a-z]+", persona.ok("ps", "-a", "--format", "{{.Names}}"))


def test_a_name_is_taken_as_inspect_prints_it(persona: Persona):
    container = persona.ok("create", "--name", "/mine", "base", "true")
    name = persona.ok("inspect", "-f", "{{.Name}}", "mine")
    assert name == "/mine" and persona.ok("inspect", "-f", "{{.Id}}", name) == container
    assert persona.ok("start", name) == name and persona.ok("wait", name) == "0"
    persona.ok("rename", name, "/other")
    assert persona.ok("ps", "-a", "--format", "{{.Names}}") == "other"
    persona.ok("run", "--rm", "--volumes-from", "/other", "base", "true")
    for words in (("logs", "/mine"), ("logs", f"/{container}"), ("logs", "//other"), ("create", "--name", "/", "base")):
        assert "/" in one_sentence(persona.cli(*words), code=1)
    one_sentence(persona.cli("rename", "other", "/../other"), code=1)
    assert persona.ok("rm", "/other") == "/other"


def test_a_name_that_is_taken_is_refused_and_nothing_is_made(persona: Persona):
    first = persona.ok("create", "--name", "mine", "base", "true")
    sentence = one_sentence(persona.cli("run", "--name", "mine", "base", "true"), code=125)
    assert "mine" in sentence and first[:12] in sentence
    assert persona.ok("ps", "-aq") == first[:12]


@pytest.mark.parametrize("written", [None, "", '{"image": '])
def test_what_a_killed_create_left_goes_after_a_minute(persona: Persona, nothing_left: None, written: str | None):
    """A whole record is two lines; until then nobody is shown it, and nothing but it is there."""
    old, young = "0" * 64, "1" * 64
    for identity in (old, young):
        code = f"""
            import os
            os.mkdir(engine.directory.folder({identity!r}))
            if {written is not None}:
                with open(engine.directory.folder({identity!r}) + "/container.jsonl", "w") as file:
                    file.write({written or ""!r})
            os.utime(engine.directory.folder({old!r}), (0, 0))
            tell(None)
        """
        with_engine(persona, code)
    assert persona.ok("ps", "-aq") == ""
    assert with_engine(persona, "tell(engine.directory.ids())") == [young]
    with_engine(persona, f"os.utime(engine.directory.folder({young!r}), (0, 0)); tell(None)")
    assert persona.ok("ps", "-aq") == ""
    assert with_engine(persona, "tell(engine.directory.ids())") == []


def test_what_rm_was_to_remove_does_not_outlast_the_boot(persona: Persona, nothing_left: None):
    """After a power cut nobody is there who would remove it, and it would be shown as created; docker removes it."""
    passing, lasting = (persona.ok("create", *words, "base", "true") for words in (("--rm",), ()))
    assert persona.ok("ps", "-aq", "--no-trunc").split() == [lasting, passing]
    with_engine(
        persona,
        """
        import os, re
        for identity in engine.directory.ids():
            path = engine.directory.folder(identity) + "/container.jsonl"
            with open(path) as file:
                text = re.sub('"boot_id": ?"[^"]*"', '"boot_id":"another"', file.read())
            with open(path, "w") as file:
                file.write(text)
        tell(None)
        """,
    )
    assert persona.ok("ps", "-aq", "--no-trunc") == lasting
    assert persona.ok("events", "--since", "1m", "--until", "0s", "--filter", "event=destroy").count(passing) == 1
    persona.ok("rm", lasting)


def test_a_name_raced_for_goes_to_one(persona: Persona):
    told = with_engine(
        persona,
        """
        from concurrent.futures import ThreadPoolExecutor
        from ipycontainer.engine.request import RunRequest
        def one(_):
            try:
                return engine.create(RunRequest(image="base", command=("true",), name="raced")).id
            except errors.NameTaken:
                return ""
        with ThreadPoolExecutor(8) as pool:
            made = [found for found in pool.map(one, range(16)) if found]
        tell([made, engine.directory.ids(), engine.get("raced").id])
        """,
    )
    assert told[0] == told[1] == [told[2]]


def test_ids_and_their_beginnings(persona: Persona):
    container = persona.ok("create", "--name", "mine", "base", "true")
    assert re.fullmatch("[0-9a-f]{64}", container)
    for reference in (container, container[:12], container[:4], "mine"):
        assert json.loads(persona.ok("inspect", reference))[0]["Id"] == container
    for reference in ("f" * 64, "nobody", "min"):
        assert "No such" in persona.cli("inspect", reference).err


def test_a_name_wins_over_the_beginning_of_an_id(persona: Persona):
    first = persona.ok("create", "base", "true")
    second = persona.ok("create", "--name", first[:6], "base", "true")
    assert json.loads(persona.ok("inspect", first[:6]))[0]["Id"] == second


def test_rm_refuses_a_running_one_unless_forced(persona: Persona, nothing_left: None):
    container = detached(persona, "--name", "runs", "base", "sleep", "1000")
    assert "running" in one_sentence(persona.cli("rm", "runs"), code=1)
    assert persona.ok("ps", "-q") == container[:12]
    assert persona.ok("rm", "-f", "runs") == "runs"
    assert "No such container" in one_sentence(persona.cli("rm", "runs"), code=1)
    assert persona.cli("rm", "-f", "runs").exit_code == 0  # as docker: it is not there, which was asked for


def test_a_removed_name_is_free_at_once(persona: Persona):
    for _ in range(5):
        persona.ok("run", "--rm", "--name", "again", "base", "true")
    for _ in range(5):
        detached(persona, "--name", "again", "base", "sleep", "1000")
        persona.ok("rm", "-f", "again")


def test_many_are_removed_in_one_line_and_what_fails_is_told(persona: Persona):
    one, two = (persona.ok("create", "base", "true") for _ in range(2))
    done = persona.cli("rm", one, "nobody", two)
    assert done.exit_code == 1 and done.out.split() == [one, two] and len(done.err.splitlines()) == 1


def test_rm_at_once_from_two_sides(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        """
        from concurrent.futures import ThreadPoolExecutor
        def remove(name):
            try:
                engine.get(name).remove(force=True)
                return "removed"
            except errors.NoSuchContainer:
                return "gone"
        outcomes = set()
        for round in range(5):
            container = engine.run("base", ["sleep", "1000"], detach=True)
            with ThreadPoolExecutor(4) as pool:
                outcomes.update(pool.map(remove, [container.name] * 4))
        tell([sorted(outcomes), engine.containers(all=True) == []])
        """,
    )
    assert set(told[0]) <= {"removed", "gone"} and told[1] is True


def test_rename(persona: Persona):
    told = with_engine(
        persona,
        """
        from ipycontainer.engine.request import RunRequest
        container = engine.create(RunRequest(image="base", command=("true",), name="old"))
        other = engine.create(RunRequest(image="base", command=("true",), name="other"))
        container.rename("new")
        refused = []
        for name in ("", "a/b", "..", "other", "x" * 300):
            try:
                container.rename(name)
                refused.append("taken on")
            except errors.Error as error:
                refused.append(type(error).__name__)
        tell([engine.get("new").id == container.id, sorted(engine.directory.names().values()), refused])
        """,
    )
    assert told[:2] == [True, ["new", "other"]]
    assert told[2] == ["InputError", "InputError", "InputError", "NameTaken", "InputError"]


def test_stop_takes_its_time_then_kills(persona: Persona):
    deaf = ("base", "sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.02; done")
    container = detached(persona, *deaf)
    until(lambda: persona.ok("logs", container) == "on", "the trap is set")
    assert persona.ok("stop", "-t", "1", container) == container
    assert persona.ok("wait", container) == "137"
    persona.ok("stop", container)  # nothing to do is no error


def test_stop_sends_the_signal_that_was_asked_for(persona: Persona):
    script = "trap 'exit 5' USR1; echo on; while :; do sleep 0.02; done"
    container = detached(persona, "--stop-signal", "USR1", "base", "sh", "-c", script)
    until(lambda: persona.ok("logs", container) == "on", "the trap is set")
    persona.ok("stop", container)
    assert persona.ok("wait", container) == "5"


@pytest.mark.parametrize(("name", "refused", "code"), [("SIGRTMIN+3", False, "5"), ("LOUD", True, "6")])
def test_the_stop_signal_of_an_image_never_keeps_it_from_an_end(persona: Persona, name: str, refused: bool, code: str):
    """docker's rules for a word that is no signal: KILL goes, another is refused, stop sends TERM."""
    persona.ok("commit", "-c", f"STOPSIGNAL {name}", persona.ok("create", "base", "true"), "stopped-by")
    try:
        script = "trap 'exit 5' RTMIN+3; trap 'exit 6' TERM; echo on; while :; do sleep 0.02; done"
        container = detached(persona, "stopped-by", "bash", "-c", script)
        until(lambda: persona.ok("logs", container) == "on", "the traps are set")
        assert persona.cli("kill", "-s", "URG", container).exit_code == int(refused)
        persona.ok("stop", container)
        assert persona.ok("wait", container) == code
        persona.ok("start", container)
        persona.ok("restart", "-t", "0", container)
        persona.ok("kill", container)
        assert persona.ok("wait", container) == "137"
    finally:
        persona.cli("rm", "-f", *persona.ok("ps", "-aq").split())
        persona.cli("rmi", "-f", "stopped-by")


@pytest.mark.parametrize("verb", ["kill", "exec"])
def test_what_is_not_running_is_told_in_a_sentence(persona: Persona, verb: str):
    container = persona.ok("create", "--name", "made", "base", "true")
    words = [verb, container] + (["true"] if verb == "exec" else [])
    assert "not running" in one_sentence(persona.cli(*words), code=1)


def test_a_life_as_events(persona: Persona):
    told = with_engine(
        persona,
        """
        engine.run("base", ["sh", "-c", "exit 3"], name="lived", remove=True)
        events = engine.events(since=0.0, follow=False, filters=[("container", "lived")])
        tell([[event.type, event.action, event.attributes.get("exitCode")] for event in events][-5:])
        """,
    )
    actions = [
        ["container", action, "3" if action == "die" else None]
        for action in ("create", "attach", "start", "die", "destroy")
    ]
    assert told == actions


def test_kill_rm_and_followers(persona: Persona):
    follower = persona.popen(["ipycontainer", "events", "--filter", "container=seen", "--format", "{{.Action}}"])
    assert follower.stdout is not None
    try:
        # It shows what happens from now on, and nobody says when it has begun to look.
        from time import sleep

        sleep(0.3)
        detached(persona, "--name", "seen", "base", "sleep", "1000")
        persona.ok("rm", "-f", "seen")
        seen = [follower.stdout.readline().decode().strip() for _ in range(4)]
    finally:
        follower.kill()
        follower.communicate()
    assert [word for word in seen if word in ("create", "start", "die", "destroy")][:3] == ["create", "start", "die"]


def test_a_journal_s_half_line_is_passed_over(persona: Persona):
    persona.ok("run", "--rm", "base", "true")
    with (persona.store / "events").open("ab") as file:
        file.write(b'{"time": 1, "half\n')
    persona.ok("run", "--rm", "--name", "after", "base", "true")
    assert "after" in persona.ok("events", "--since", "1h", "--until", "0s")


def test_who_follows_hears_of_what_comes_after_the_clock_was_set_back(persona: Persona):
    """A writer tells what its clock says then: here an hour less than as the follower began."""
    said = with_engine(
        persona,
        """
        import time
        from ipycontainer.runtime.inside import journal
        with engine.events(filters=[("container", "set-back")], timeout=5) as events:
            before, journal.time.time = journal.time.time, lambda: before() - 3600
            journal.append(engine.journal.path, [("container", "start", "0" * 64, {"name": "set-back"})])
            journal.time.time = before
            try:
                tell(next(events).action)
            except errors.TimedOut:
                tell("nothing")
        """,
    )
    assert said == "start"
