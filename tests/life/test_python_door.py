"""Engine, Container and their kin as somebody meets them who writes Python: interrupts, odd values, what is gone."""

from __future__ import annotations

import pytest

from tests.life.inside import with_engine
from tests.personas import Persona

_INTERRUPTED = """
import signal, threading, time

POLITE = ["sh", "-c", "trap 'echo got; exit 5' INT; echo up; while :; do sleep 0.05; done"]
STUBBORN = ["sh", "-c", "trap '' INT; echo up; while :; do sleep 0.05; done"]

def interrupted(call, up):
    def interrupt():
        while not up():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
        call()
    except KeyboardInterrupt:
        return True

def stays():
    frame = sys._current_frames()[threading.main_thread().ident]
    while frame is not None and frame.f_code.co_name != "converse":
        frame = frame.f_back
    return frame is not None

def runs():
    return any(b"up" in one.logs() for one in engine.containers()) and stays()
"""


def test_an_interrupt_ends_a_run(persona: Persona, nothing_left: None):
    """As it does in a terminal and in a cell: SIGINT, and SIGKILL to what does not end by it."""
    told = with_engine(
        persona,
        _INTERRUPTED
        + """
found = []
for command, options in (
    (POLITE, {}), (STUBBORN, {}), (POLITE, {"remove": True}), (STUBBORN, {"stdin": b"x" * 9_000_000})
):
    was = interrupted(lambda: engine.run("base", command, **options), runs)
    left = engine.containers(all=True)
    found.append([was, *([one.status, one.exit_code, one.logs().decode()] for one in left)])
    for one in left:
        one.remove()
tell(found)
""",
    )
    assert told == [
        [True, ["exited", 5, "up\ngot\n"]],
        [True, ["exited", 137, "up\n"]],
        [True],
        [True, ["exited", 137, "up\n"]],
    ]


def test_an_interrupt_ends_an_exec_and_not_its_container(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        _INTERRUPTED
        + """
box = engine.run("base", ["sleep", "1000"], detach=True)
def up():
    return stays() and box.exec(["sh", "-c", "test -e /up"]).exit_code == 0
was = interrupted(lambda: box.exec(["sh", "-c", "trap '' INT; > /up; exec sleep 999"]), up)
tell([was, box.status, [row[-1] for row in box.top(["-o", "pid,args"]).rows]])
box.remove(force=True)
""",
    )
    assert told == [True, "running", ["sleep 1000"]]


def test_whatever_leaves_a_run_ends_it(persona: Persona, nothing_left: None):
    """A signal's handler may raise anything."""
    told = with_engine(
        persona,
        """
        import signal
        class Late(Exception):
            pass
        def late(*_):
            raise Late
        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            engine.run("base", ["sleep", "1000"], remove=True)
        except Late:
            tell([one.name for one in engine.containers(all=True)])
        """,
    )
    assert told == []


def test_what_was_never_started_is_not_waited_for(persona: Persona):
    """docker's wait is for "does not run", and nobody says that it will."""
    told = with_engine(
        persona,
        """
        import asyncio
        from ipycontainer.engine.request import RunRequest
        one = engine.create(RunRequest("base", ("sh", "-c", "exit 3")))
        before = [one.wait(), one.wait(5), asyncio.run(one.ended(5))]
        one.start()
        tell([before, one.wait(), asyncio.run(one.ended())])
        one.remove()
        """,
    )
    assert told == [[0, 0, 0], 3, 3]


def test_a_container_that_was_removed_is_told_so(persona: Persona, nothing_left: None):
    """Its image's files are not its own, and nothing of it is made anew."""
    told = with_engine(
        persona,
        """
        one = engine.run("base", ["true"], detach=True)
        one.wait()
        engine.get(one.id).remove()
        said = set()
        for call in (
            one.start, one.restart, one.diff, one.export, one.commit, one.logs, one.follow, lambda: one.exec(["true"]),
            lambda: one.copy_in("/etc/hostname", "/tmp"), lambda: one.copy_out("/etc/hostname", "."),
        ):
            try:
                call()
                said.add(f"{call} says nothing")
            except errors.NoSuchContainer as error:
                said.add(str(error).replace(one.name, "NAME"))
        tell([list(said), one.status, one.status_text, one.remove(), os.listdir(os.path.dirname(one.folder))])
        """,
    )
    assert told == [["No such container: NAME"], "removed", "Removed", None, []]


def test_one_that_is_removed_at_that_moment_is_not_made_anew(persona: Persona, nothing_left: None):
    """The copy's job is asked just when somebody else has removed it."""
    told = with_engine(
        persona,
        """
        from ipycontainer.launcher.client import Launcher
        one = engine.run("base", ["true"], detach=True)
        one.wait()
        begin = Launcher.begin
        def beginning(self, job, *rest):
            if job == "root":
                engine.get(one.id).remove()
            return begin(self, job, *rest)
        Launcher.begin = beginning
        try:
            one.copy_in("/etc/hostname", "/tmp")
        except errors.NoSuchContainer as error:
            tell([one.name in str(error), os.listdir(os.path.dirname(one.folder))])
        """,
    )
    assert told == [True, []]


def test_an_exec_takes_what_a_run_takes(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        """
        box = engine.run("base", "sleep 1000", detach=True, env={"A": 1, "B": 2})
        found = [box.exec("sh -c 'echo $A $B $C; id -u'", env={"A": 3, "B": None, "C": "x"}, user=0).text.split()]
        for command, options in ([1], {}), (["true"], {"env": [1]}), (["true"], {"workdir": 5}), (b"true", {}):
            try:
                box.exec(command, **options)
            except errors.InputError as error:
                found.append(str(error))
        try:
            engine.run("base", ["cat"], stdin="text", remove=True)
        except errors.InputError as error:
            found.append(str(error))
        box.remove(force=True)
        tell([found, engine.containers(all=True)])
        """,
    )
    assert told == [
        [
            ["3", "x", "0"],
            "each item of command must be text, not int 1",
            "each item of env must be text, not int 1",
            "workdir must be text, not int 5",
            "command must be text, not bytes b'true'",
            "stdin must be bytes (of text: its .encode()), not str 'text'",
        ],
        [],
    ]


def test_a_damaged_record_hides_no_other_container(persona: Persona, nothing_left: None):
    """A power cut may leave one: it is shown, measured, stopped and removed; what needs it says so."""
    told = with_engine(
        persona,
        """
        whole = engine.run("base", ["sleep", "1000"], detach=True, name="door-whole")
        made = engine.run("base", ["sleep", "1000"], detach=True, name="door-damaged")
        with open(os.path.join(made.folder, "container.jsonl"), "w") as file:
            file.write("x\\n" * 3)
        one = Engine().get("door-damaged")
        found = [one.image, one.logs().decode(), one.usage().counted_by, len(engine.dashboard().read())]
        found.append(len(engine.containers(filters=[("network", "none")])))
        for call in one.inspect, one.restart, lambda: one.exec(["true"]), one.diff:
            try:
                call()
            except errors.StoreError as error:
                found.append("remove it with `ipycontainer rm`" in str(error))
        one.stop(0)
        found.append(one.status)
        tell(found)
        """,
    )
    assert told[:2] == ["(damaged)", ""] and told[3:] == [2, 2, True, True, True, True, "exited"]
    assert "door-damaged" in persona.ok("ps", "-a", "-s") and "Usage" not in persona.ok("stats", "--no-stream")
    persona.ok("rm", "-f", "door-damaged", "door-whole")


def test_the_same_thing_is_equal_and_a_stream_is_no_copy(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        """
        import copy, pickle
        one = engine.run("base", ["true"], detach=True)
        one.wait()
        volume = engine.volumes.create("door-equal")
        found = [one == engine.get(one.name), one in engine.containers(all=True), len({one, engine.get(one.id)})]
        found += [volume == engine.volumes.get("door-equal"), one == volume, pickle.loads(pickle.dumps(one)) == one]
        engine.events().close()  # loads ctypes, which by its libffi may keep one for good
        before = os.listdir("/proc/self/fd")
        with engine.events() as stream:
            for way in copy.copy, copy.deepcopy, pickle.dumps:
                try:
                    way(stream)
                except TypeError as error:
                    found.append("cannot be copied" in str(error))
        found.append(os.listdir("/proc/self/fd") == before)
        volume.remove()
        one.remove()
        tell(found)
        """,
    )
    assert told == [True, True, 1, True, False, True, True, True, True, True]


def test_the_end_of_one_that_removed_itself_is_known_to_coroutines(persona: Persona, nothing_left: None):
    """It was looked for again and again, for ever."""
    told = with_engine(
        persona,
        """
        import asyncio
        one = engine.run("base", ["sh", "-c", "exit 7"], detach=True, remove=True)
        code = one.wait()
        tell([code, one.wait(0), asyncio.run(one.ended(20)), asyncio.run(one.ended())])
        """,
    )
    assert told == [7, 7, 7, 7]


def test_paths_are_taken_as_paths(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        """
        from pathlib import Path, PurePosixPath
        folder = Path("door-paths")
        folder.mkdir()
        (folder / "in").write_text("here")
        box = engine.run("base", ["sleep", "1000"], detach=True, volumes={folder: "/x"})
        box.copy_in(folder / "in", PurePosixPath("/tmp"))
        box.copy_out(PurePosixPath("/tmp/in"), folder / "out")
        found = [(folder / "out").read_text(), box.exec(["cat", "/x/in"]).text, len(engine.volumes.list())]
        for call in (
            lambda: box.copy_out("/tmp/in", ""), lambda: box.kill(None), lambda: box.stop(timeout="x"),
            lambda: engine.get(None), lambda: engine.run("base", "cat", stdin=b"x", detach=True), lambda: box.rename(5),
        ):
            try:
                call()
            except errors.InputError as error:
                found.append(str(error).partition(";")[0])
        box.remove(force=True)
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        tell(found)
        """,
    )
    assert told == [
        "here",
        "here",
        0,
        "the target of a copy may not be empty: write . for the current folder",
        "Invalid signal: None",
        "timeout must be a number, not str 'x'",
        "a container's name or id must be text, not None",
        "stdin cannot be given with detach: nobody stays",
        "a container's name must be text, not int 5",
    ]


def test_what_was_updated_holds_for_whoever_has_the_container_in_hand(persona: Persona, nothing_left: None):
    """A policy that was given later: a stop is a stop, and a removal removes."""
    told = with_engine(
        persona,
        """
        from ipycontainer.engine.request import RunRequest
        one = engine.create(RunRequest("base", ("sleep", "1000")))
        one.update(restart="always")
        found = [one.inspect()["HostConfig"]["RestartPolicy"]["Name"]]
        one.start()
        one.exec("true")
        os.kill(one.pid, 9)
        while not one.state().restarts:
            pass
        one.stop(0)
        found += [one.status, engine.get(one.id).status]
        one.remove()
        two = engine.run("base", ["sleep", "1000"], detach=True)
        engine.get(two.id).update(restart="always")
        two.stop(0)
        found += [two.status, two.has_restart_policy]
        two.start()
        two.remove(force=True)
        tell([found, engine.containers(all=True)])
        """,
    )
    assert told == [["always", "exited", "exited", "exited", True], []]


@pytest.mark.personas("root")
def test_limits_that_were_updated_before_the_start_hold(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        """
        from ipycontainer.engine.request import RunRequest
        one = engine.create(RunRequest("base", ("sleep", "1000"), memory=64 << 20, cpus=0.5))
        one.update(memory="128m", memory_swap="128m", cpus=0.25)
        one.start()
        tell([one.usage().memory_max >> 20, one.usage().cpus_max, one.inspect()["HostConfig"]["Memory"] >> 20])
        one.remove(force=True)
        """,
    )
    assert told == [128, 0.25, 128]
