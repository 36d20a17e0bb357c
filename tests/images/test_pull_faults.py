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


@pytest.fixture
def small_disk(fresh_persona: Persona) -> Iterator[Path]:
    """A tmpfs of 16 MiB that belongs to the persona; what is still in use at the end is let go with its last user."""
    folder = fresh_persona.folder / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=755", "tmpfs", folder], check=True)
    os.chown(folder, fresh_persona.uid, fresh_persona.gid)
    yield folder
    fresh_persona.cli("system", "shutdown", env={"IPYCONTAINER_ROOT": str(folder / "store")})
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.as_root
@pytest.mark.parametrize("verb", ["pull", "load", "commit"])
def test_a_store_without_room(fresh_persona: Persona, registry: Registry, small_disk: Path, verb: str):
    persona = fresh_persona
    root = {"IPYCONTAINER_ROOT": str(small_disk / "store")}
    name, words = "large:1", ["load", "-i", str(persona.path("large.tar"))]
    layer = tar(file("large", random_bytes(12 << 20)))
    if verb == "pull":
        name = pushed(persona, registry, [layer])
        words = ["pull", "-q", name]
    elif verb == "load":
        persona.path("large.tar", docker_archive((["large:1"], [layer])))
    else:
        # A container that was made elsewhere cannot be moved here: this one's image is small, what it wrote is not.
        persona.path("large.tar", docker_archive((["small:1"], [tar(file("f"))])))
        persona.ok(*words, env=root)
        container = persona.ok("create", "small:1", "x", env=root)
        upper = small_disk / "store" / "containers" / container / "0" / "upper"
        upper.mkdir(parents=True)
        (upper / "large").write_bytes(random_bytes(12 << 20))
        for path in (upper.parent, upper, upper / "large"):
            os.chown(path, persona.uid, persona.gid)
        words = ["commit", container, name]
    full = persona.cli(*words, env=root)
    assert full.exit_code == 1 and full.err.count("\n") == 1, full
    assert "cannot write the store" in full.err or "No space" in full.err or "store's disk" in full.err, full
    assert name not in persona.ok("images", "--format", "{{.Repository}}:{{.Tag}}", env=root).split()
    assert persona.ok("system", "check", env=root).endswith("the store is in order")
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    persona.ok(*words, env=root)
    assert persona.ok("system", "check", env=root).endswith("the store is in order")
    persona.ok("rmi", name, env=root)
