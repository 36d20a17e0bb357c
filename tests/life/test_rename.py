"""Another name for a container: docker's sentences, one instant, and whoever knew the old name finds his way."""

from __future__ import annotations

import os

import pytest

from tests.life.inside import detached, one_sentence, until, with_engine
from tests.personas import Persona


def test_rename_says_nothing_and_is_told_in_the_journal(persona: Persona, nothing_left: None):
    container = detached(persona, "--name", "before", "base", "sleep", "1000")
    assert persona.ok("rename", "before", "after") == ""
    assert persona.ok("ps", "--format", "{{.Names}}") == "after"
    assert persona.ok("container", "rename", container[:6], "third") == ""
    told = persona.ok("events", "--since", "1m", "--until", "0s", "--filter", "event=rename", "--format", "json")
    assert '"oldName":"/before"' in told.replace(" ", "") and '"name":"third"' in told.replace(" ", "")
    persona.ok("rm", "-f", "third")
    died = persona.ok("events", "--since", "1m", "--until", "0s", "--filter", "container=third")
    assert " die " in died and " destroy " in died, "its monitor knew it by its first name"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("here", "there"), 'Conflict. The container name "/there" is already in use by container "'),
        (("here", "here"), "Renaming a container with the same name as its current name"),
        (("here", ""), "Neither old nor new names may be empty"),
        (("here", "x/y"), "Invalid container name (x/y), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"),
        (("nobody", "x1"), "No such container: nobody"),
        (("here",), "'rename' requires 2 arguments"),
    ],
)
def test_what_cannot_be_is_one_sentence(persona: Persona, words: tuple[str, ...], says: str):
    for name in ("here", "there"):
        persona.ok("create", "--name", name, "base", "true")
    assert says in one_sentence(persona.cli("rename", *words), code=1)
    assert sorted(persona.ok("ps", "-a", "--format", "{{.Names}}").split()) == ["here", "there"]


def test_a_renamed_one_removes_itself_and_leaves_its_names_free(persona: Persona, nothing_left: None):
    """--rm: the monitor was told the first name, which may be another's by now."""
    container = detached(persona, "--rm", "--name", "first", "base", "sleep", "1000")
    persona.ok("rename", "first", "second")
    other = persona.ok("create", "--name", "first", "base", "true")
    persona.ok("kill", container)
    until(lambda: persona.ok("ps", "-aq", "--no-trunc") == other, "the renamed one is gone, the other is not")
    assert persona.ok("create", "--name", "second", "base", "true")
    persona.ok("rm", "first", "second")


_KILLED_AT = """
import os, sys
from ipycontainer import Engine
one, countdown = Engine().get(sys.argv[1]), int(sys.argv[3])
def hook(event, details):
    global countdown
    if event in ("os.symlink", "os.remove", "os.rename", "os.link") or (event == "open" and "store" in str(details[0])):
        countdown -= 1
        if countdown < 0:
            os.kill(os.getpid(), 9)
sys.addaudithook(hook)
one.rename(sys.argv[2])
"""


def test_a_kill_before_any_call_leaves_one_name(persona: Persona, nothing_left: None):
    """Python tells of its calls before it makes them."""
    container = persona.ok("create", "--name", "name-0", "base", "true")
    for number in range(20):
        done = persona.run(["python3", "-I", "-c", _KILLED_AT, container, f"name-{number + 1}", str(number)])
        names = os.listdir(persona.store / "names")
        assert len(names) == 1 and os.readlink(persona.store / "names" / names[0]) == container, names
        assert persona.ok("ps", "-a", "--format", "{{.ID}} {{.Names}}") == f"{container[:12]} {names[0]}"
        if done.exit_code == 0:
            break
        assert done.exit_code == -9, done
    assert number > 1 and done.exit_code == 0, "it was killed here and there, and at last it was not"
    persona.ok("rm", container)


def test_two_who_rename_at_once(persona: Persona):
    told = with_engine(
        persona,
        """
        from concurrent.futures import ThreadPoolExecutor
        from ipycontainer.engine.request import RunRequest
        made = engine.create(RunRequest(image="base", command=("true",), name="start"))
        def one(number):
            try:
                engine.get(made.id).rename(f"name{number}")
                return 1
            except errors.NoSuchContainer:
                return 0
        with ThreadPoolExecutor(8) as pool:
            done = sum(pool.map(one, range(24)))
        tell([done > 0, len(os.listdir(engine.directory.names_folder))])
        engine.get(made.id).remove()
        """,
    )
    assert told == [True, 1]


def test_whoever_looks_while_many_are_renamed_sees_each_with_a_name(persona: Persona, nothing_left: None):
    """A listing of a folder can miss what is just being moved in it."""
    looks, nameless = with_engine(
        persona,
        """
        import time
        from ipycontainer.engine.request import RunRequest
        made = [engine.create(RunRequest(image="base", command=("true",), name=f"moved-{n}")) for n in range(40)]
        end = time.monotonic() + 5
        renamer = os.fork()
        if renamer == 0:
            turn = 0
            while time.monotonic() < end:
                turn += 1
                for number, one in enumerate(made):
                    one.rename(f"{turn % 7}-moved-{number}-{turn}")
            os._exit(0)
        looks = nameless = 0
        while time.monotonic() < end:
            looks += 1
            nameless += sum(not one.name for one in engine.containers(all=True))
        os.waitpid(renamer, 0)
        for one in engine.containers(all=True):
            one.remove()
        tell([looks, nameless])
        """,
    )
    assert looks > 10 and nameless == 0, (looks, nameless)
