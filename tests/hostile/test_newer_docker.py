"""What docker 28's client alone has and does by itself, beside ours: that client before 20.10's daemon."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.hostile.beside import Beside, ids_taken_out
from tests.hostile.test_docker_registries import _registries, _remove
from tests.images.registries import needs_registry

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def client() -> str:
    """docker 28's, wherever it lies."""
    for folder in os.environ["PATH"].split(os.pathsep):
        found = shutil.which("docker", path=folder)
        if found and " 28." in subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout:
            return found
    pytest.skip("no client of docker 28 to compare with (Debian 12 has 20.10's)")


def _same_said(beside: Beside, line: str) -> None:
    """What both say on stderr too: it is what --quiet is about."""
    mine, his = beside.line(line)
    said = [ids_taken_out(text).strip() for text in (mine.err, his.stderr.decode())]
    if said[0] != said[1]:
        beside.different.append(f"{line}\nSTDERR {said}")


def test_copies_without_a_word(beside: Beside, client: str):
    beside.file("hf", "a file\n")
    with beside.daemon.asked_by(client):
        try:
            beside.line("create --network none --name made base true")
            _same_said(beside, "cp -q {h}/hf made:/tmp")
            _same_said(beside, "container cp --quiet made:/tmp/hf {h}/back")
            assert [(folder / "back").read_text() for folder in (beside.ours, beside.dockers)] == ["a file\n"] * 2
        finally:
            beside.remove("made")
    beside.end()


@needs_registry
def test_pulls_without_a_word(beside: Beside, client: str, tmp_path: Path):
    with beside.daemon.asked_by(client), _registries(beside, "plain", tmp_path / "registries") as address:
        name = f"{address}/whole:1"
        try:
            beside.line(f"tag base {name}")
            beside.line(f"push -q {name}", lambda _: "")
            _remove(beside, name)
            _same_said(beside, f"run -q --rm --network none {name} echo hi")
            _remove(beside, name)
            _same_said(beside, f"container create --quiet --network none --name made {name} true")
            beside.line(f"run -q --rm --network none {address}/nobody:1 true")
        finally:
            beside.remove("made")
            _remove(beside, name)
    beside.end()
