"""Callers that lack what others have: a current folder, a home, a name that is text, a disk that can be written."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.life.inside import detached, one_sentence
from tests.personas import Finished, Persona


def gone(persona: Persona, *words: str, env: dict[str, str] | None = None) -> Finished:
    """A command line in a folder that was removed."""
    script = "mkdir -p odd-gone && cd odd-gone && rmdir ../odd-gone && exec ipycontainer " + shlex.join(words)
    done = persona.run(["sh", "-c", script], env=env)
    done.err = "".join(line for line in done.err.splitlines(True) if "getcwd() failed" not in line)  # the shell's own
    return done


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--rm", "-v", ".:/x", "base", "ls", "/x"],
        ["run", "--rm", "-v", "./odd-a:/x", "base", "ls", "/x"],
        ["run", "--rm", "--mount", "type=bind,src=.,dst=/x", "base", "ls", "/x"],
    ],
    ids=" ".join,
)
def test_no_other_folder_is_shown_instead_of_one_that_is_gone(persona: Persona, words: list[str]):
    assert "begins in the current folder, which was removed" in one_sentence(gone(persona, *words), code=125)
    assert not os.path.exists("/odd-a")


def test_nothing_is_written_elsewhere_instead(persona: Persona):
    container = detached(persona, "--name", "odd-from", "base", "sleep", "1000")
    for words in (
        ["cp", "odd-from:/etc/hostname", "odd-file"],
        ["cp", "odd-from:/etc/hostname", "."],
        ["cp", ".", "odd-from:/tmp"],
        ["export", "-o", "odd-file", "odd-from"],
        ["save", "-o", "odd-file", "base"],
        ["run", "--rm", "--cidfile", "odd-file", "base", "true"],
        ["--root", "odd-file", "ps"],
    ):
        done = gone(persona, *words)
        assert done.exit_code and done.err.count("\n") == 1 and "Traceback" not in done.err, done
    assert not os.path.exists("/odd-file") and not os.path.exists("/hostname")
    persona.ok("rm", "-f", container)


def test_python_says_so_too(persona: Persona):
    code = """
import json, os
from ipycontainer import Engine, errors
os.mkdir("odd-here")
os.chdir("odd-here")
os.rmdir("../odd-here")
said = []
for option in (
    {"volumes": [".:/x"]}, {"volumes": {"odd/a": "/x"}}, {"mounts": ["type=bind,src=odd,dst=/x"]},
    {"security_opt": ["seccomp=odd"]},
):
    try:
        Engine().run("base", ["true"], remove=True, **option)
    except errors.InputError as error:
        said.append(str(error))
print(json.dumps(said))
"""
    said = persona.python(code)
    assert len(said) == 4 and all("current folder, which was removed" in words for words in said[:3]), said


@pytest.mark.personas("user", "solo")
@pytest.mark.parametrize("variables", [["HOME=odd"], ["HOME=odd", "XDG_DATA_HOME=data"]], ids=" ".join)
def test_without_a_home_a_state_folder_must_be_given(persona: Persona, variables: list[str]):
    """It would lie in the current folder, another one each time."""
    done = persona.run(["env", "-u", "IPYCONTAINER_ROOT", *variables, "ipycontainer", "ps"])
    assert "give a state folder with --root or IPYCONTAINER_ROOT" in one_sentence(done, code=1)


@pytest.mark.personas("user", "solo")
def test_a_relative_data_folder_is_none(persona: Persona):
    words = ["env", "-u", "IPYCONTAINER_ROOT", "XDG_DATA_HOME=odd-data", "ipycontainer", "info"]
    done = persona.run([*words, "--format", "{{.DockerRootDir}}"])
    assert done.out.strip() == f"{persona.folder}/.local/share/ipycontainer", done


def test_a_state_folder_whose_name_is_no_text(persona: Persona):
    root = os.fsencode(persona.path("odd-store-")) + b"\xff"
    environment = {"IPYCONTAINER_ROOT": os.fsdecode(root)}
    assert persona.ok("run", "--rm", "base", "echo", "in", env=environment, timeout=120) == "in"
    assert persona.ok("ps", "-aq", env=environment) == ""
    persona.ok("system", "reset", "-f", env=environment)
    assert not os.path.exists(root)


@pytest.fixture
def read_only(persona: Persona, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk with a store of root's, which was made read-only."""
    disk = tmp_path_factory.mktemp("odd-disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "none", disk], check=True)
    try:
        environment = {"IPYCONTAINER_ROOT": f"{disk}/store"}
        persona.ok("run", "--name", "odd-ran", "base", "echo", "here", env=environment, timeout=120)
        persona.ok("system", "shutdown", env=environment)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        yield disk / "store"
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        persona.ok("system", "reset", "-f", env=environment)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.as_root
@pytest.mark.personas("root")
def test_a_store_on_a_disk_that_became_read_only(persona: Persona, read_only: Path):
    environment = {"IPYCONTAINER_ROOT": str(read_only)}
    assert persona.ok("ps", "-a", "--format", "{{.Names}}", env=environment) == "odd-ran"
    assert persona.ok("logs", "odd-ran", env=environment) == "here"
    for words in (
        ["run", "base", "true"],
        ["image", "prune", "-f"],
        ["container", "prune", "-f"],
        ["commit", "odd-ran", "odd:1"],
        ["rmi", "-f", "base"],
        ["pull", "localhost:1/odd"],
        ["system", "check"],
    ):
        done = persona.cli(*words, env=environment)
        assert done.exit_code and "Read-only file system" in done.err and done.err.count("\n") == 1, done


# What a container has of its launcher: limits, processors, priorities (of the processor, the disk), personality.
INHERITED = """
import os, re, resource
kinds = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))
print([(name, resource.getrlimit(getattr(resource, name))) for name in kinds])
print(os.sched_getaffinity(0), os.sched_getscheduler(0), os.getpriority(0, 0), os.uname().machine)
print(os.popen("ionice; cat /proc/self/personality").read())
"""
ODD = (
    "--nofile=300:", "--nproc=400:", "--fsize=1000000000:", "--cpu=1000:", "--stack=1000000:", "--data=2000000000:",
)  # fmt: skip


def test_what_the_first_caller_had_is_not_every_containers(fresh_persona: Persona):
    persona = fresh_persona
    words = ["run", "--rm", "base", "python3", "-c", INHERITED]
    before = persona.ok(*words, timeout=120)
    persona.ok("system", "shutdown")
    odd = ["prlimit", *ODD, "taskset", "1", "chrt", "--batch", "0", "setarch", "-R", "ionice", "-c", "3"]
    found = persona.run([*odd, "ipycontainer", *words])
    assert found.out == before + "\n", found
    assert persona.ok(*words) == before
    assert f"('RLIMIT_STACK', ({8 << 20}," in before


@pytest.mark.as_root
@pytest.mark.personas("root")
def test_root_need_not_be_as_patient_as_its_first_caller(fresh_persona: Persona):
    """Nobody else gets back what was given up."""
    persona = fresh_persona
    words = ["run", "--rm", "base", "python3", "-c", INHERITED]
    before = persona.ok(*words, timeout=120)
    persona.ok("system", "shutdown")
    assert persona.run(["nice", "-n", "7", "ipycontainer", *words]).out == before + "\n"
    persona.ok("system", "shutdown")
    if persona.run(["prlimit", "--nofile=200:200", "prlimit", "--nofile=300:300", "true"]).exit_code == 0:
        assert persona.run(["prlimit", "--nofile=200:200", "ipycontainer", *words]).out == before + "\n"
