"""A time limit of Engine.run and Container.exec: it ends the program, and what was written is told."""

from __future__ import annotations

import re
from pathlib import Path

from tests.life.inside import with_engine
from tests.personas import Persona

_README = Path(__file__).parents[2] / "README.md"


def test_a_time_limit_ends_a_run_and_tells_what_was_written(persona: Persona, nothing_left: None):
    """Also one that never stops to write, one that minds no SIGINT, and one that waits for input that came."""
    told = with_engine(
        persona,
        """
        import pickle
        LATE = "echo out; echo err >&2; exec sleep 1000"
        FLOOD = "trap '' INT; while :; do echo out; done"
        found = []
        for script, options in (
            (LATE, {"remove": True}), (FLOOD, {"remove": True, "output_limit": 4}), (LATE, {"stdin": b"x" * 999_999}),
        ):
            try:
                engine.run("base", ["sh", "-c", script], timeout=1.0, **options)
            except errors.CommandTimedOut as error:
                again = pickle.loads(pickle.dumps(error))
                assert isinstance(error, errors.TimedOut) and str(again) == str(error)
                assert (again.output, again.stderr) == (error.output, error.stderr)
                left = engine.containers(all=True)
                found.append([error.output.decode(), error.stderr.decode(), [one.exit_code for one in left]])
        found += [one.remove() for one in left]
        found.append(engine.run("base", ["echo", "in time"], remove=True, timeout=1e9).text)
        for wrong in ({"timeout": 0}, {"timeout": float("nan")}, {"timeout": "soon"}, {"timeout": 5, "detach": True}):
            try:
                engine.run("base", ["true"], **wrong)
            except errors.InputError as error:
                found.append(str(error).split(":")[0])
        engine.explain("base", ["true"], timeout=5)
        tell(found)
        """,
    )
    assert told == [
        ["out\n", "err\n", []],
        ["out\n", "", []],
        ["out\n", "err\n", [137]],
        None,
        "in time\n",
        "timeout must be seconds, more than 0, or None, not int 0",
        "timeout must be a number of seconds, or None, not float nan",
        "timeout must be a number, not str 'soon'",
        "timeout cannot be given with detach",
    ]


def test_an_exec_takes_input_and_limits(persona: Persona, nothing_left: None):
    """Its time limit ends it and not its container."""
    told = with_engine(
        persona,
        """
        box = engine.run("base", ["sleep", "1000"], detach=True)
        result = box.exec(["cat"], stdin=b"x" * 200_000, output_limit=10, timeout=1000)
        found = [result.exit_code, result.text, result.cut, box.exec(["cat"], stdin=b"").text]
        try:
            box.exec(["sh", "-c", "echo out; exec sleep 999"], timeout=0.5)
        except errors.CommandTimedOut as error:
            found += [error.output.decode(), box.status, [row[-1] for row in box.top(["-o", "pid,args"]).rows]]
        tell(found)
        box.remove(force=True)
        """,
    )
    assert told == [0, "x" * 10, 199_990, "", "out\n", "running", ["sleep 1000"]]


def test_waits_refuse_what_is_no_time(persona: Persona, nothing_left: None):
    """At once and in a sentence, whatever waits; a list and text are the same options of top."""
    told = with_engine(
        persona,
        """
        import asyncio
        box = engine.run("base", ["sh", "-c", "echo 1; echo 2; exec sleep 1000"], detach=True)
        next(box.logs(follow=True, timeout=60))
        found = set()
        for wrong in ("x", float("nan"), []):
            for call in (
                box.wait, box.stop, lambda timeout: asyncio.run(box.ended(timeout)), engine.events,
                lambda timeout: box.logs(follow=True, timeout=timeout),
            ):
                try:
                    call(timeout=wrong)
                    found.add(f"{call} says nothing")
                except errors.InputError as error:
                    found.add(str(error).split(" must be a number")[0])
        for options in ("-o pid,args", ["-o", "pid,args"]):
            found |= {row[-1] for row in box.top(options).rows}
        box.kill()
        box.wait(60)
        tell([sorted(found), box.logs(tail=1).decode(), box.logs(until=1.0).decode()])
        box.remove()
        """,
    )
    assert told == [["sleep 1000", "timeout"], "2\n", ""]


def test_readmes_lines_for_code_of_others(persona: Persona, nothing_left: None):
    """As they stand; an ordinary user's limits need control groups of version 2."""
    first, second = re.findall(r"```python\n(.*?)```", _README.read_text(), re.DOTALL)[2:4]
    if not persona.is_root:
        first = re.sub(r"(?m)^limits = .*", "limits = {}", first)
    code = """
        import contextlib, io, tempfile
        os.chdir(tempfile.mkdtemp())
        with open("numbers.txt", "w") as file:
            file.write("10\\n9\\n")
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(FIRST)
            exec(SECOND)
        with open("sorted.txt") as file:
            tell([said.getvalue(), file.read()])
        """
    assert with_engine(persona, code.replace("FIRST", repr(first)).replace("SECOND", repr(second))) == [
        "0 42\n  0\n",
        "9\n10\n",
    ]
