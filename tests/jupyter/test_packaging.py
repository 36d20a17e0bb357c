"""What is installed: the extension is found, and a wheel needs no node."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests import wheels
from tests.personas import CHECKOUT, Persona

LOCK = json.loads((CHECKOUT / "labextension" / "package-lock.json").read_text())


@pytest.mark.personas("root", "user")
def test_jupyterlab_says_that_the_extension_is_in_order(persona: Persona):
    done = persona.run(["jupyter", "labextension", "list"])
    line = next(line for line in (done.out + done.err).splitlines() if " ipycontainer " in line)
    assert "enabled" in line and "OK" in line and "(python, ipycontainer)" in line


@pytest.mark.personas("root", "user")
def test_the_server_says_that_its_half_is_in_order(persona: Persona):
    done = persona.run(["jupyter", "server", "extension", "list"])
    lines = [line.strip() for line in (done.out + done.err).splitlines()]
    assert any(line.startswith("ipycontainer 0") and "OK" in line for line in lines), done


def test_the_lock_of_npm_names_no_host_and_knows_every_part_for_every_machine():
    packages = LOCK["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert not [name for name, package in packages.items() if name and "integrity" not in package]
    lacking = []
    for name, package in packages.items():
        for part in package.get("optionalDependencies", {}):
            homes = [f"{name}/node_modules/{part}", f"node_modules/{part}"]
            lacking += [f"{part} (of {name})"] if not any(home in packages for home in homes) else []
    assert lacking == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, with the bundle that `make setup` built."""
    return wheels.build(tmp_path_factory.mktemp("wheel"))


def test_a_wheel_holds_the_extension_once_and_where_jupyter_looks(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    data = f"{wheel.name.rsplit('-', 3)[0]}.data/data/"
    extension = f"{data}share/jupyter/labextensions/ipycontainer/"
    assert f"{extension}package.json" in names
    assert f"{extension}install.json" in names
    assert f"{extension}static/style.js" in names
    assert f"{data}etc/jupyter/jupyter_server_config.d/ipycontainer.json" in names
    bundles = [name for name in names if "remoteEntry" in name]
    assert len(bundles) == 1
    assert not [name for name in names if name.startswith("labextension") or "node_modules" in name]


def test_a_wheel_installs_without_node(wheel: Path, tmp_path: Path):
    python = wheels.environment_with(wheel, tmp_path / "venv")
    assert (tmp_path / "venv/share/jupyter/labextensions/ipycontainer/static/style.js").is_file()
    listing = "from jupyterlab.labextensions import main; main()"
    listed = subprocess.run(
        [python, "-c", listing, "list"],
        env={"PATH": "/nowhere", "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    line = next(line for line in (listed.stdout + listed.stderr).splitlines() if " ipycontainer " in line)
    assert "OK" in line, listed
