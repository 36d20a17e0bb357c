"""The house's own rules, where no other tool holds them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = CHECKOUT / "ipycontainer"
VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "tools", "stuff"}

# Joined here, so that this file does not hold what it looks for.
PRIVATE = [
    re.compile("/work/" + "(main|shared)"),
    re.compile("/tmp/" + "(trees|contract)"),
    re.compile(r"files\.python" + r"hosted\.org|pypi" + r"\.org|npm" + r"js\.(org|com)|/opt/" + "pypi"),
]


def tracked() -> list[Path]:
    """What git has, or would take; without git, everything that does not look made."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout
        paths = [CHECKOUT / name for name in listed.split("\0") if name]
    except (subprocess.CalledProcessError, FileNotFoundError):
        made = {".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
        made |= {"node_modules", "lib", "artefacts"}
        paths = [path for path in CHECKOUT.rglob("*") if not made.intersection(path.relative_to(CHECKOUT).parts)]
    return [path for path in paths if path.is_file()]


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_no_file_is_too_long_to_read_in_one_sitting():
    lengths = {path.relative_to(CHECKOUT): len(path.read_text().splitlines()) for path in sources()}
    assert {str(path): length for path, length in lengths.items() if length > 400} == {}


def test_no_python_of_ours_imports_from_the_current_folder():
    """It is whoever filled it that would be run: -P, or all of -I, stands before -m and -c."""
    call = re.compile(r"sys\.executable[^\n]*?(-[mc])\b")
    hits = [(path, hit) for path in sources() for hit in call.finditer(path.read_text())]
    assert len(hits) >= 5
    assert [f"{path.name}: {hit[0]}" for path, hit in hits if not re.search(r"-(P|I)\b", hit[0])] == []


def test_names_say_what_is_inside():
    names = [part for path in sources() for part in path.relative_to(CHECKOUT).with_suffix("").parts]
    assert VAGUE.intersection(names) == set()


def test_nothing_names_the_machine_it_was_written_on():
    found = []
    for path in tracked():
        text = path.read_text(errors="replace")
        found += [f"{path.relative_to(CHECKOUT)}: {hit[0]}" for pattern in PRIVATE if (hit := pattern.search(text))]
    assert found == []


def test_the_lock_names_no_host_and_has_a_hash_for_everything():
    lines = (CHECKOUT / "requirements.lock").read_text().splitlines()
    assert [line for line in lines if "://" in line or line.startswith("--")] == []
    heads = [number for number, line in enumerate(lines) if "==" in line]
    assert [lines[number] for number in heads if "--hash=sha256:" not in lines[number + 1]] == []


def test_the_lock_holds_what_the_project_asks_for():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in project["project"]["optional-dependencies"].values():
        asked += extra
    names = {re.split(r"[<>=!~\[; ]", wish)[0].lower() for wish in asked}
    locked = {line.split("==")[0].split("[")[0] for line in (CHECKOUT / "requirements.lock").read_text().splitlines()}
    assert names - locked == set()


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    command = [program, "--no-logo", "--no-cache", "--config", CHECKOUT / "pyproject.toml"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "LANG": "C.UTF-8"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_floors_hold():
    done = lint_imports(CHECKOUT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("linux/broken.py", "from ipycontainer.engine import engine"),
        ("images/broken.py", "import ipycontainer.runtime"),
        ("commands/broken.py", "from ipycontainer.jupyter import magics"),
        ("oci/broken.py", "import pyroute2"),
        ("runtime/inside/broken.py", "import traitlets"),
        ("launcher/broken.py", "from ipycontainer.runtime import inside"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, file: str, line: str):
    shutil.copytree(PACKAGE, tmp_path / "ipycontainer", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "ipycontainer" / file).write_text(line + "\n")
    assert f"ipycontainer.{file.removesuffix('.py').replace('/', '.')} ->" in lint_imports(tmp_path).stdout


def loaded(code: str) -> set[str]:
    """Modules that `code` adds to a bare interpreter."""
    program = f"import sys; before = set(sys.modules); sys.path.append({str(CHECKOUT)!r})\n{code}\n"
    program += "print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_else():
    assert loaded("import ipycontainer") == {"__future__", "ipycontainer"}


def test_errors_records_and_json_text_load_nothing_else():
    ours = {f"ipycontainer.{name}" for name in ("errors", "record", "json_text")}
    # os and what it needs are frozen into the interpreter
    frozen = loaded("import os")
    assert loaded("import ipycontainer.errors, ipycontainer.record, ipycontainer.json_text") - frozen == {
        "__future__",
        "_json",  # the C half alone
        "ipycontainer",
        *ours,
    }
