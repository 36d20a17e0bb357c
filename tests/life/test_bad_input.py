"""Bad input: one sentence on stderr, docker's exit code, and nothing that was not there before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.life.inside import with_engine
from tests.personas import Persona

BAD = [
    # words, exit code, part of the sentence
    (["rnu", "base"], 1, "unknown verb 'rnu'; did you mean 'run'?"),
    (["container", "lss"], 1, "did you mean 'container ls'?"),
    (["build", "."], 1, "'build' comes in a later release"),
    (["run"], 1, "'run' requires at least 1 argument"),
    (["exec", "web"], 1, "'exec' requires at least 2 arguments"),
    (["ps", "web"], 1, "'ps' accepts no arguments"),
    (["run", "--nope", "base"], 125, "unknown flag: --nope. See 'ipycontainer run --help'."),
    (["run", "-rm", "base"], 125, "unknown shorthand flag: 'r' in -rm"),
    (["run", "--name"], 125, "flag needs an argument: --name"),
    (["kill", "-9", "web"], 125, "unknown shorthand flag: '9' in -9 (a signal is given by name or number"),
    (["run", "-m", "64x", "base"], 125, 'invalid argument "64x" for "-m, --memory" flag'),
    (["run", "-m", "1m", "base", "true"], 125, "the minimum memory limit is 6 MB"),
    (["run", "--cpus", "x", "base"], 125, 'invalid argument "x" for "--cpus" flag'),
    (["run", "--ulimit", "nofile=9:3", "base"], 125, "the soft limit 9 is over the hard limit 3"),
    (["run", "-p", "80:80", "base"], 125, "-p, --publish is refused: published ports come in a later release"),
    (["run", "--network", "mine", "base"], 125, "--network mine is not in this release"),
    (["run", "--restart", "whenever", "base"], 125, "invalid restart policy 'whenever'"),
    (["run", "--rm", "--restart", "always", "base"], 125, "Conflicting options: --restart and --rm"),
    (["run", "-v", "data:data", "base"], 125, "mount path must be absolute"),
    (["run", "--mount", "type=bind,src=/nonexistent,dst=/x", "base"], 125, "does not exist: /nonexistent"),
    (["run", "-v", "/tmp:relative", "base"], 125, "mount path must be absolute"),
    (["run", "-v", "/tmp:/", "base"], 125, "destination can't be '/'"),
    (["run", "-v", "/tmp:/x", "--tmpfs", "/x/", "base"], 125, "Duplicate mount point: /x"),
    (["run", "--cpus", "-1", "base", "true"], 125, "CPUs"),
    (["run", "--cpu-shares", "-1", "base", "true"], 125, "shares"),
    (["run", "--cap-drop", "", "base", "true"], 125, "capability"),
    (["run", "--env-file", "/nonexistent", "base"], 125, "/nonexistent cannot be read: No such file or directory"),
    (["run", "--pull", "never", "nosuch", "true"], 125, "Unable to find image 'nosuch:latest' locally"),
    (["run", "BASE", "true"], 125, "must be lowercase"),
    (["run", "--name", "a b", "base", "true"], 125, "Invalid container name (a b)"),
    (["run", "--stop-signal", "LOUD", "base", "true"], 125, "Invalid signal: LOUD"),
    (["run", "--cap-add", "FLY", "base", "true"], 125, "CAP_FLY"),
    (["run", "-w", "relative", "base", "true"], 125, "needs to be an absolute path"),
    (["run", "-u", "nobodyatall", "base", "true"], 125, "unable to find user nobodyatall"),
    (["run", "base", "nosuchprogram"], 127, "nosuchprogram: executable file not found"),
    (["run", "base", "/nonexistent/program"], 127, "/nonexistent/program"),
    (["run", "base", "/etc/passwd"], 126, "/etc/passwd: permission denied"),
    (["run", "base", "/etc"], 126, "/etc: permission denied"),
    (["run", "-it", "base", "sh"], 1, "the input is not a terminal"),
    (["exec", "nope", "true"], 1, "No such container: nope"),
    (["start", "nope"], 1, "No such container: nope"),
    (["stop", "nope"], 1, "No such container: nope"),
    (["kill", "nope"], 1, "No such container: nope"),
    (["wait", "nope"], 1, "No such container: nope"),
    (["rm", "nope"], 1, "No such container: nope"),
    (["logs", "nope"], 1, "No such container: nope"),
    (["inspect", "nope"], 1, "No such object: nope"),
    (["image", "inspect", "nope"], 1, "No such image: nope"),
    (["rmi", "nope"], 1, "No such image: nope"),
    (["load", "-i", "/nonexistent"], 1, "/nonexistent cannot be read: No such file or directory"),
    (["load", "-i", "/etc/passwd"], 1, ""),
    (["ps", "-f", "colour=red"], 1, "invalid filter 'colour'"),
    (["ps", "--format", "{{.Nope"], 1, "unclosed action"),
    (["logs", "--since", "yesterday", "nope"], 1, "neither a date"),
    (["-H", "tcp://x", "ps"], 125, "there is no daemon"),
    (["--root", "/proc/nowhere", "run", "base", "true"], 125, "/proc/nowhere"),
]


def _made(persona: Persona) -> set[str]:
    """All that a container leaves in a store and its run folder."""
    found: set[str] = set()
    for folder in (persona.store / "containers", persona.store / "names"):
        found |= {str(path) for path in folder.rglob("*")} if folder.exists() else set()
    for run in persona.run_folders():
        found |= {str(path) for path in (run / "containers").glob("*")}
    return found


@pytest.mark.parametrize(
    ("words", "exit_code", "part"), BAD, ids=lambda value: "_".join(value) if isinstance(value, list) else ""
)
def test_one_sentence_and_nothing_made(persona: Persona, words: list[str], exit_code: int, part: str) -> None:
    before = _made(persona)
    done = persona.cli(*words)
    assert done.exit_code == exit_code, done
    assert part in done.err, done
    assert len(done.err.splitlines()) == 1, done
    assert done.out in ("", "[]\n"), done  # docker prints the empty list too
    assert _made(persona) == before


def test_a_name_that_is_taken(persona: Persona) -> None:
    persona.ok("create", "--name", "taken", "base", "true")
    try:
        before = _made(persona)
        done = persona.cli("run", "--name", "taken", "base", "true")
        assert done.exit_code == 125 and "taken" in done.err and len(done.err.splitlines()) == 1, done
        assert _made(persona) == before
    finally:
        persona.ok("rm", "taken")


@pytest.mark.personas("user", "solo")
def test_a_store_that_cannot_be_written(persona: Persona, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)  # nobody but root may write in it, not even its owner
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/") and not folder.stat().st_mode & 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)
    done = persona.cli("--root", tmp_path / "store", "run", "base", "true")
    assert done.exit_code == 125, done
    assert str(tmp_path / "store") in done.err and len(done.err.splitlines()) == 1, done


def test_several_at_once_go_on_after_one_that_is_wrong(persona: Persona) -> None:
    persona.ok("create", "--name", "one", "base", "true")
    persona.ok("create", "--name", "two", "base", "true")
    done = persona.cli("rm", "one", "nope", "two")
    assert done.exit_code == 1
    assert done.out == "one\ntwo\n" and done.err == "Error: No such container: nope\n"
    done = persona.cli("rm", "-f", "nope")
    assert done.exit_code == 0 and done.err == "Error: No such container: nope\n"


def test_arguments_that_no_program_can_have(persona: Persona):
    """execve(2): one of them may have 128 KB.  A command line could not even say it."""
    said = with_engine(
        persona,
        """
        said = []
        for words in ({"command": ["true", "a" * 140000]}, {"command": ["true"], "env": ["A=" + "a" * 140000]}):
            try:
                engine.run("base", remove=True, **words)
            except errors.Error as error:
                said.append([error.exit_code, str(error)])
        tell(said)
        """,
    )
    assert said == 2 * [[126, "true: argument list too long"]]
