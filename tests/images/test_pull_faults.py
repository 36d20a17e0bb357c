"""Pulls that are killed at random instants, and stores without room: nothing damaged is seen, the next try succeeds."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.layouts import docker_archive
from tests.images.registries import Cable, Registry, needs_registry, random_bytes
from tests.images.tars import file, folder, tar
from tests.personas import Persona

pytestmark = needs_registry


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    found = Registry(tmp_path_factory.mktemp("faults"), "plain")
    yield found
    found.close()


def pushed(persona: Persona, registry: Registry, layers: list[bytes]) -> str:
    name = f"{registry.address}/{persona.name}/image:1"
    persona.ok("load", input=docker_archive(((name,), layers)))
    persona.ok("push", "-q", name)
    persona.ok("rmi", name)
    return name


def test_a_pull_killed_at_random_instants(fresh_persona: Persona, registry: Registry):
    persona = fresh_persona
    seed = int(os.environ.get("IPYCONTAINER_SEED", time.time_ns() % 100_000))
    print(f"IPYCONTAINER_SEED={seed}")
    instants = random.Random(seed)
    layers = [tar(folder("d"), *(file(f"d/{layer}{n}", random_bytes(9000)) for n in range(60))) for layer in "abc"]
    name = pushed(persona, registry, layers)
    for _ in range(int(os.environ.get("IPYCONTAINER_KILLS", "5"))):
        process = persona.popen(["ipycontainer", "pull", name])
        time.sleep(instants.uniform(0.05, 0.8))
        process.kill()
        process.communicate()
        checked = persona.cli("system", "check")
        assert checked.exit_code == 0, checked
        persona.ok("pull", name)
        assert persona.ok("system", "check").endswith("the store is in order")
        persona.ok("rmi", name)
    assert not list((persona.store / "layers").glob(".new-*"))


def test_an_interrupted_pull_takes_its_helpers_along(fresh_persona: Persona, registry: Registry):
    persona = fresh_persona
    name = pushed(persona, registry, [tar(file(part, random_bytes(4 << 20))) for part in "ab"])
    cable = Cable(registry.port, 2 << 20)
    slow = name.replace(str(registry.port), str(cable.port))
    process = persona.popen(["ipycontainer", "pull", slow])
    deadline = time.monotonic() + 30
    while cable.came < 1 << 20:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(2)
    process.communicate(timeout=20)
    assert process.returncode == 130
    left = subprocess.run(["pgrep", "-u", str(persona.uid), "-f", "registry.worker"], capture_output=True, text=True)
    own = [pid for pid in left.stdout.split() if str(persona.store) in _environment(pid)]
    assert own == []
    cable.close()
    persona.ok("pull", "-q", name)
    persona.ok("rmi", name)


def _environment(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:
        return ""


@pytest.mark.personas("root")
def test_a_store_without_room(fresh_persona: Persona, registry: Registry, tmp_path: Path):
    persona = fresh_persona
    name = pushed(persona, registry, [tar(file("large", random_bytes(12 << 20)))])
    persona.ok("system", "shutdown")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", small], check=True)
    root = {"IPYCONTAINER_ROOT": str(small / "store")}
    try:
        full = persona.cli("pull", name, env=root)
        assert full.exit_code == 1, full
        assert "IPYCONTAINER_ROOT" in full.err or "cannot write the store" in full.err or "No space" in full.err, full
        assert persona.ok("images", "-q", env=root) == ""
        assert persona.ok("system", "check", env=root).endswith("the store is in order")
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        persona.ok("pull", "-q", name, env=root)
        assert persona.ok("system", "check", env=root) == "the store is in order"
        persona.ok("rmi", name, env=root)
    finally:
        persona.cli("system", "shutdown", env=root)
        subprocess.run(["umount", "-l", small], check=True)
