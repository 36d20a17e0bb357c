"""`system reset`: a store goes, with what runs in it; what is not the store's stays; killed, it is done again."""

from __future__ import annotations

import os
import signal

import pytest

from tests.hostile.copies import copy_with
from tests.life.inside import detached, until, with_engine
from tests.personas import BIN, Persona


@pytest.fixture(autouse=True)
def _own_store(nothing_left: None) -> None:
    """What a store of its own left anywhere would be seen in the names of everything."""


def _fill(persona: Persona) -> list[str]:
    """Containers in every state, volumes with and without a name, an image of its own; those that run."""
    running = detached(persona, "-v", "/nameless", "-v", "kept:/k", "base", "sh", "-c", "echo a > /k/a; sleep 1000")
    restarting = detached(persona, "--restart", "always", "base", "sleep", "1000")
    until(lambda: persona.cli("exec", running, "test", "-e", "/k/a").exit_code == 0, "it has written")
    persona.ok("run", "--name", "ended", "base", "sh", "-c", "mkdir /d; echo b > /d/b")
    persona.ok("create", "--name", "made", "base", "true")
    persona.ok("commit", "ended", "own:1")
    return [running, restarting]


def _pids(persona: Persona, containers: list[str]) -> list[int]:
    return [int(persona.ok("inspect", "-f", "{{.State.Pid}}", container)) for container in containers]


def test_all_of_it_goes(fresh_persona: Persona):
    persona = fresh_persona
    pids = _pids(persona, _fill(persona))
    launcher = persona.python("from ipycontainer import Engine; print(Engine().launcher.running_pid())")
    assert persona.ok("system", "reset", "-f") == ""
    assert not persona.store.exists()
    assert not any(folder.exists() for folder in persona.run_folders())
    for pid in (*pids, int(launcher)):
        until(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), "whoever adopted it has reaped it")
    assert persona.ok("system", "reset", "--force") == "", "there is nothing any more, and that is no error"
    assert not persona.store.exists()
    assert persona.ok("run", "--rm", "base", "echo", "anew", timeout=120) == "anew"
    assert persona.ok("ps", "-aq") == persona.ok("volume", "ls", "-q") == ""


def test_what_is_not_the_stores_stays(fresh_persona: Persona):
    persona = fresh_persona
    _fill(persona)
    for name in ("notes", "mine/deep"):
        path = persona.store / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("of somebody")
    (persona.store / "mine" / "containers").mkdir()
    folder = persona.work / "outside"
    folder.mkdir(exist_ok=True)
    (folder / "file").write_text("of the host")
    os.chown(folder, persona.uid, persona.gid)
    persona.ok("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={folder}", "bound")
    persona.ok("create", "-v", "bound:/b", "-v", f"{folder}:/c", "base", "true")
    persona.ok("system", "reset", "-f")
    assert sorted(os.listdir(persona.store)) == ["mine", "notes"]
    assert sorted(os.listdir(persona.store / "mine")) == ["containers", "deep"]
    assert (folder / "file").read_text() == "of the host"


def test_nothing_goes_where_nobody_can_be_asked(fresh_persona: Persona):
    persona = fresh_persona
    running = _fill(persona)
    asked = persona.cli("system", "reset")
    assert asked.exit_code == 125 and "give --force, or answer" in asked.err
    assert asked.out.splitlines()[:2] == [
        "WARNING! This will remove:",
        "  - all containers (2 of them running: killed)",
    ]
    assert sorted(persona.ok("ps", "-q", "--no-trunc").split()) == sorted(running)


@pytest.mark.parametrize("answer", ["n", "y"])
def test_a_person_is_asked(fresh_persona: Persona, answer: str):
    persona = fresh_persona
    persona.ok("create", "base", "true", timeout=120)
    done = persona.run(["script", "-qec", "ipycontainer system reset", "/dev/null"], input=f"{answer}\n")
    assert "Are you sure you want to continue? [y/N]" in done.out and done.exit_code == 0, done
    assert (persona.store / "containers").exists() == (answer == "n")


def test_in_python(fresh_persona: Persona):
    _fill(fresh_persona)
    told = with_engine(
        fresh_persona,
        """
        paused = engine.run("base", ["sleep", "1000"], detach=True)
        if paused.can_pause:
            paused.pause()
        engine.reset()
        gone = not os.path.exists(engine.root), engine.launcher.running_pid(), len(engine.containers(all=True))
        tell([*gone, engine.run("base", ["echo", "anew"], remove=True).text])
        """,
        timeout=120,
    )
    assert told == [True, None, 0, "anew\n"]


def test_while_an_image_comes_in_nothing_goes(fresh_persona: Persona):
    """A load that has begun, and waits for the rest of its archive."""
    persona = fresh_persona
    running = _fill(persona)
    archive = persona.work / "own.tar"
    persona.ok("save", "-o", archive, "own:1")
    load = persona.popen(["ipycontainer", "load"], stdin=-1)
    try:
        assert load.stdin is not None
        load.stdin.write(archive.read_bytes()[: archive.stat().st_size // 2])
        load.stdin.flush()
        lock = persona.store / "images" / "collect.lock"
        until(lambda: _is_held(lock.stat().st_ino), "it is coming in")
        refused = persona.cli("system", "reset", "-f")
        assert refused.exit_code == 1 and "an image is being brought into this store" in refused.err
        assert sorted(persona.ok("ps", "-q", "--no-trunc").split()) == sorted(running)
    finally:
        load.kill()
        load.communicate()
    persona.ok("system", "reset", "-f")
    assert not persona.store.exists()


def _is_held(inode: int) -> bool:
    with open("/proc/locks", encoding="ascii") as file:
        return any(f":{inode} " in line for line in file)


AT = ("containers.remove", "rename images", "rename layers", "rename volumes", "call", "shutdown", "rmdir")
KILLED = """
import os, signal, sys
from ipycontainer import Engine
from ipycontainer.engine import reset
count = {at!r}
seen = 0
real_rename, real_rmdir = os.rename, os.rmdir
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def after(function, wanted):
    def wrapped(*arguments, **named):
        global seen
        result = function(*arguments, **named)
        if wanted in str(arguments[0]):
            die()
        return result
    return wrapped
engine = Engine()
if count.startswith("rename"):
    os.rename = after(real_rename, "/" + count.split()[1])
elif count == "rmdir":
    os.rmdir = after(real_rmdir, "/containers")
elif count == "call":
    engine.launcher.call = die
elif count == "shutdown":
    engine.shutdown = die
else:
    from ipycontainer.engine.container import Container
    Container.remove = after(Container.remove, "Container")
engine.reset()
"""


@pytest.mark.parametrize("at", AT)
def test_killed_in_between_the_store_works_and_another_reset_ends_it(fresh_persona: Persona, at: str):
    persona = fresh_persona
    _fill(persona)
    done = persona.run([BIN / "python3", "-c", KILLED.format(at=at)])
    assert done.exit_code == -signal.SIGKILL, done
    if AT.index(at) % 2:
        assert persona.ok("run", "--rm", "base", "echo", "works", timeout=120) == "works"
        persona.ok("system", "check")
    persona.ok("system", "reset", "-f")
    assert not persona.store.exists() and not any(folder.exists() for folder in persona.run_folders())


@pytest.mark.parametrize("words", [("system", "reset", "-f"), ("system", "shutdown")], ids=" ".join)
def test_another_releases_launcher_goes_too(fresh_persona: Persona, words: tuple[str, ...]):
    """Else it would stay, and with what it keeps ready hold on to the store, until it is idle."""
    persona = fresh_persona
    begin = "print(engine.run('base', ['sleep', '1000'], detach=True).id, flush=True)\nos._exit(0)"
    with copy_with(persona) as older:
        older.run(begin, timeout=120)
        sockets = "from ipycontainer import Engine; print(len(Engine().launcher.sockets()))"
        assert persona.ok("run", "--rm", "base", "echo", "here") == "here"
        assert str(persona.python(sockets)).strip() == "2"
        persona.ok(*words)
        assert str(persona.python(sockets)).strip() == "0"
        assert persona.store.exists() == (words[1] == "shutdown")
        persona.remove_containers()
