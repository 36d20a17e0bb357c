"""The command's own script: however it was installed, it finds its package, and says so when it cannot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
VERSION = "ipycontainer version "


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the script and without the package."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    shutil.copy(CHECKOUT / "bin/ipycontainer", folder / "bin")
    return folder


@pytest.fixture
def packages(bare: Path) -> Path:
    """Its site-packages, emptied afterwards."""
    [found] = (bare / "lib").glob("python3.*/site-packages")
    for entry in found.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    return found


def _run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, words)], cwd=cwd, capture_output=True, text=True, check=False)


def _without_site(bare: Path) -> bool:
    done = _run(bare / "bin/python3", "-IS", "-X", "importtime", bare / "bin/ipycontainer", "--version")
    return " site\n" not in done.stderr


def test_installed(bare: Path, packages: Path) -> None:
    (packages / "ipycontainer").symlink_to(CHECKOUT / "ipycontainer")
    assert _run(bare / "bin/ipycontainer", "--version").stdout.startswith(VERSION)
    assert _without_site(bare)


def test_called_in_other_ways(bare: Path, packages: Path, tmp_path: Path) -> None:
    (packages / "ipycontainer").symlink_to(CHECKOUT / "ipycontainer")
    assert _run("./ipycontainer", "--version", cwd=bare / "bin").stdout.startswith(VERSION)
    (tmp_path / "link").symlink_to(bare / "bin/ipycontainer")
    assert _run(tmp_path / "link", "--version").stdout.startswith(VERSION)


def test_editable(bare: Path, packages: Path) -> None:
    (packages / "_editable_impl_ipycontainer.pth").write_text(f"{CHECKOUT}\n")
    assert _run(bare / "bin/ipycontainer", "--version").stdout.startswith(VERSION)
    assert _without_site(bare)


def test_where_only_site_knows(bare: Path, packages: Path) -> None:
    (packages / "anything.pth").write_text(f"{CHECKOUT}\n")
    assert _run(bare / "bin/ipycontainer", "--version").stdout.startswith(VERSION)


def test_nowhere(bare: Path, packages: Path) -> None:
    done = _run(bare / "bin/ipycontainer", "--version")
    assert done.returncode == 1
    assert "cannot import it" in done.stderr and len(done.stderr.splitlines()) == 1
