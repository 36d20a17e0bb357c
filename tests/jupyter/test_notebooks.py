"""The notebooks run as every persona, with the outputs that are stored in them; mistakes fail a notebook."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.personas import BIN, CHECKOUT

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
NAMES = [path.name for path in NOTEBOOKS]


@pytest.fixture
def folder(persona):
    """The notebooks, in a folder of the persona's own."""
    copy = persona.path("notebooks")
    shutil.copytree(CHECKOUT / "notebooks", copy, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "shared"))
    for path in (copy, *copy.iterdir()):
        shutil.chown(path, persona.uid, persona.gid)
    yield copy
    shutil.rmtree(copy)


def kernels(persona) -> dict[str, str]:
    return {"IPYTHONDIR": str(persona.folder / "ipython"), "JUPYTER_PLATFORM_DIRS": "1", "PATH": f"{BIN}:/usr/bin:/bin"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_that_are_stored(persona, folder, name):
    command = ["python3", "-m", "pytest", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=120"]
    command += [
        "--nbval-sanitize-with=sanitize.cfg",
        "-p",
        "no:cacheprovider",
        "-q",
        "--rootdir=.",
        "-c",
        "/dev/null",
        name,
    ]
    done = persona.run(command, cwd=folder, env=kernels(persona), timeout=280)
    assert done.exit_code == 0, done
    assert persona.ok("ps", "-aq") == ""


EXECUTE = """
import nbformat, sys
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_no_cell_fails_that_shall_not(persona, folder, name):
    done = persona.run(["python3", "-c", EXECUTE, name], cwd=folder, env=kernels(persona), timeout=280)
    assert done.exit_code == 0, done
    assert persona.ok("ps", "-aq") == ""
    for cell in nbformat.read(folder / name, as_version=4).cells:
        if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", ()):
            # A mistake in a magic's line would pass nbval: it is printed and is no error message.
            assert not [output for output in cell.outputs if "UsageError" in str(output)], cell


@pytest.mark.parametrize("name", NAMES)
def test_stored_outputs_are_there_and_name_nobodys_machine(name):
    notebook = nbformat.read(CHECKOUT / "notebooks" / name, as_version=4)
    checked = [cell for cell in notebook.cells if "nbval-check-output" in cell.metadata.get("tags", ())]
    assert checked and all(cell.outputs for cell in checked)
    text = (CHECKOUT / "notebooks" / name).read_text()
    assert [word for word in (str(CHECKOUT), str(Path.home()) + "/") if len(word) > 2 and word in text] == []


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("%container run --nonsense base true", "nonsense"),
        ("%container run --rm base false", "exit code 1"),
        ("%%in_container\nexit 3", "exit code 3"),
    ],
)
def test_a_mistake_or_a_failed_container_fails_the_notebook(_everybody, source, part):
    persona = next(iter(_everybody.values()))
    path = persona.path("failing.ipynb")
    cells = [nbformat.v4.new_code_cell("%load_ext ipycontainer"), nbformat.v4.new_code_cell(source)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    shutil.chown(path, persona.uid, persona.gid)
    done = persona.run(["python3", "-c", EXECUTE, path], env=kernels(persona))
    assert done.exit_code == 1 and CellExecutionError.__name__ in done.err and part in done.err
