"""On a hosted notebook that lets nobody make containers: what can run runs, the rest says in a sentence why not."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.personas import BIN, CHECKOUT, Finished, Persona

HOSTED = CHECKOUT / "tests" / "jupyter" / "hosted.py"
NOTEBOOK = CHECKOUT / "notebooks" / "01-what-just-happened.ipynb"
REFUSAL = "this machine does not let an ordinary user make namespaces"

EXECUTE = """
import nbformat, sys
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True).execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.fixture
def ann(_everybody: dict[str, Persona]):
    """An ordinary user with an empty store, whom the pod's root is not."""
    account = _everybody.get("solo") or _everybody.get("user")
    assert account is not None
    fresh = account.fresh()
    yield fresh
    shutil.rmtree(fresh.folder)


def hosted(persona: Persona, *words: str | Path, timeout: float = 60) -> Finished:
    """A command as the pod's user, in its working folder."""
    command = [str(BIN / "python3"), HOSTED, str(persona.uid), str(persona.gid), *words]
    environment = {**persona.environment, "JUPYTER_PLATFORM_DIRS": "1"}
    done = subprocess.run(command, env=environment, cwd=persona.work, capture_output=True, timeout=timeout, check=False)
    return Finished([str(word) for word in words], done.returncode, done.stdout, done.stderr)


@pytest.mark.timeout(240)
def test_every_cell_of_01_runs_or_says_why_not(ann: Persona):
    path = ann.path("01.ipynb")
    shutil.copy(NOTEBOOK, path)
    shutil.chown(path, ann.uid, ann.gid)
    done = hosted(ann, "python3", "-c", EXECUTE, path, timeout=200)
    assert done.exit_code == 0, done
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    refused = []
    for cell in cells:
        errors = [output for output in cell.outputs if output.output_type == "error"]
        for error in errors:
            assert len(error.traceback) == 1 and REFUSAL in error.evalue, cell
        text = "".join(output.get("text", "") for output in cell.outputs)
        if errors or text.startswith("No container runs here to look at: "):
            refused.append(cell)
            assert errors or (text.count("\n") == 1 and REFUSAL in text), cell
    # Whatever looks at a container or makes one was refused; whatever needs none ran, and is as it is stored.
    needs = [cell for cell in cells if "box" in cell.source or "container run --rm" in cell.source]
    assert [cell.source for cell in refused] == [cell.source for cell in needs]
    stored = {cell.id: cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells}
    for cell in cells:
        if cell not in refused and "nbval-check-output" in cell.metadata.get("tags", ()):
            assert [_plain(each) for each in cell.outputs] == [_plain(each) for each in stored[cell.id].outputs]


def _plain(output: Any) -> str:
    return json.dumps(output.get("text") or output.get("data", {}).get("text/plain"))


def test_the_command_line_explains_and_refuses_in_one_line(ann: Persona):
    told = hosted(ann, "ipycontainer", "run", "--explain", "base", "true")
    assert told.exit_code == 0 and "PivotRoot" in told.out and told.err == ""
    for words in (["run", "--rm", "base", "true"], ["run", "-d", "base", "true"], ["kernel", "install", "--user"]):
        done = hosted(ann, "ipycontainer", *words)
        assert done.exit_code in (1, 125) and done.out == "", done
        assert len(done.err.splitlines()) == 1 and REFUSAL in done.err, done
    assert hosted(ann, "ipycontainer", "ps", "-aq").out == ""


def test_doctor_says_what_stands_in_the_way(ann: Persona):
    done = hosted(ann, "ipycontainer", "doctor")
    assert done.exit_code == 0
    assert "lack containers: " in done.out and "A seccomp filter stands in front of this process" in done.out


def test_without_the_filter_the_same_words_work(ann: Persona):
    """The guard off: it is the filter that refuses, not something else of this test."""
    assert ann.ok("run", "--rm", "base", "echo", "hi", timeout=120) == "hi"
    ann.close()
    ann.folder.mkdir()


def test_the_files_for_hosts_are_well_formed():
    for script in ("postBuild", "start"):
        path = CHECKOUT / "binder" / script
        assert path.stat().st_mode & 0o111, f"{path} must be executable"
        subprocess.run(["bash", "-n", path], check=True)
    container = json.loads((CHECKOUT / ".devcontainer" / "devcontainer.json").read_text())
    assert "--privileged" in container["runArgs"]
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert f"python={project['requires-python'].removeprefix('>=')}" <= _environment()["python"]
    packages = (CHECKOUT / "binder" / "apt.txt").read_text().split()
    assert packages and not set(packages) & {"sudo", "docker.io"}


def _environment() -> dict[str, str]:
    lines = (CHECKOUT / "binder" / "environment.yml").read_text().splitlines()
    return {line.strip("- ").partition("=")[0]: line.strip("- ") for line in lines if line.strip().startswith("- ")}
