"""`image prune`, `system df`, `system check`, and what a SIGKILL at any moment leaves, as every account."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator

import pytest

from tests.images.layouts import docker_archive, oci_members, pack
from tests.images.tars import file, folder, tar
from tests.personas import Persona

ONE = tar(folder("d"), file("d/f", b"1" * 300_000))
TWO = tar(folder("d"), file("d/g", b"2" * 100_000))


@pytest.fixture
def images(persona: Persona) -> Iterator[None]:
    persona.ok("load", input=docker_archive((["one:1"], [ONE]), (["two:1"], [ONE, TWO])))
    yield
    persona.cli("rmi", "-f", "one:1", "two:1")


def test_prune_removes_what_nobody_needs(persona: Persona, images: None):
    persona.ok("create", "--name", "user", "one:1", "true")
    persona.ok("load", input=docker_archive((["two:1"], [TWO])))  # the old two:1 loses its name
    assert "nobody to ask" in persona.cli("image", "prune").err
    out = persona.ok("image", "prune", "-f")
    assert out.startswith("Deleted Images:\ndeleted: sha256:") and "Total reclaimed space: " in out
    assert persona.ok("image", "prune", "-f") == "Total reclaimed space: 0B"
    names = persona.ok("images", "--format", "{{.Repository}}").split()
    assert "one" in names
    persona.ok("rm", "user")


def test_df_counts_what_is_shared_once(persona: Persona, images: None):
    persona.ok("run", "--name", "writer", "base", "sh", "-c", "head -c 500000 /dev/zero > /big", timeout=100)
    code = """
from ipycontainer import Engine
from ipycontainer.engine.upkeep import usage
found = usage(Engine())
own = {item.image.names[0]: (item.size, item.shared, item.unique) for item in found.images if item.image.names}
print([own[name] for name in ("one:1", "two:1")], [size for one, size in found.containers if one.name == "writer"])
"""
    text = persona.python(code)
    (one, two), (written,) = (json.loads(part.replace("(", "[").replace(")", "]")) for part in _lists(text))
    assert one[1] == two[1] and one[1] >= 600_000  # the layer as a tree and as a blob
    assert two[2] >= 200_000 and one[2] < 10_000
    assert 500_000 <= written < 600_000
    table = persona.ok("system", "df").splitlines()
    assert table[0].split() == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    assert "SHARED SIZE" in persona.ok("system", "df", "-v")
    rows = persona.ok("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}}").splitlines()
    assert [row.split()[0] for row in rows] == ["Images", "Containers", "Local"] and rows[1] == "Containers 1 0", rows
    document = json.loads(persona.ok("system", "df", "--format", "json").splitlines()[0])
    assert set(document) == {"Type", "TotalCount", "Active", "Size", "Reclaimable"}
    assert "conflict" in persona.cli("system", "df", "-v", "--format", "json").err
    persona.ok("rm", "writer")


def _lists(text: str) -> list[str]:
    first, _, second = text.strip().partition("] [")
    return [first + "]", "[" + second]


def test_check_finds_damage_and_repairs_it(fresh_persona: Persona):
    persona = fresh_persona
    persona.ok("load", input=docker_archive((["one:1"], [ONE]), (["two:1"], [TWO])))
    persona.ok("load", input=pack(oci_members("three:1", [tar(file("x", b"3"))])))
    assert persona.ok("system", "check") == "the store is in order"
    document = json.loads(persona.ok("image", "inspect", "two:1"))[0]
    manifest = persona.store / "images" / "blobs" / "sha256" / document["Descriptor"]["digest"][7:]
    layer = json.loads(manifest.read_text())["layers"][0]["digest"][7:]
    blob = manifest.parent / layer
    raw = bytearray(blob.read_bytes())
    raw[700] ^= 1
    blob.write_bytes(raw)
    tree = json.loads(persona.ok("image", "inspect", "three:1"))[0]["RootFS"]["Layers"][0][7:]
    (persona.store / "layers" / tree / "layer.json").unlink()
    found = persona.cli("system", "check")
    assert found.exit_code == 1 and "is not what its digest promises" in found.err and tree in found.err
    persona.ok("system", "check", "--repair")
    assert persona.ok("system", "check") == "the store is in order"
    assert set(persona.ok("images", "--format", "{{.Repository}}").split()) == {"one", "three"}
    persona.ok("load", input=docker_archive((["two:1"], [TWO])))
    assert persona.ok("system", "check") == "the store is in order"


@pytest.mark.parametrize("what", ["load", "commit", "rmi", "prune"])
def test_killed_at_a_random_instant(fresh_persona: Persona, what: str):
    """Whatever a SIGKILL hits, nothing damaged is visible, and the next try succeeds."""
    persona = fresh_persona
    seed = int(os.environ.get("IPYCONTAINER_SEED", time.time_ns() % 100_000))
    print(f"IPYCONTAINER_SEED={seed}")
    instants = random.Random(seed)
    archive = docker_archive((["one:1"], [ONE, TWO, tar(file("h", os.urandom(2_000_000)))]))
    persona.ok("load", input=archive)
    persona.ok("create", "--name", "cc", "one:1", "x")
    commands = {
        "load": ["load", "-i", "one.tar"],
        "commit": ["commit", "cc", "new:1"],
        "rmi": ["rmi", "-f", "gone:1"],
        "prune": ["image", "prune", "-af"],
    }
    persona.path("one.tar", archive)
    persona.path("gone.tar", docker_archive((["gone:1"], [tar(file("gone", os.urandom(500_000)))])))
    for _ in range(int(os.environ.get("IPYCONTAINER_KILLS", "4"))):
        if what == "load":
            persona.cli("rm", "cc")
            persona.cli("rmi", "-f", "one:1")
        if what in ("rmi", "prune"):
            persona.ok("load", "-i", "gone.tar")
        process = persona.popen(["ipycontainer", *commands[what]])
        time.sleep(instants.uniform(0.0, 0.25))
        process.kill()
        process.communicate()
        checked = persona.cli("system", "check")
        assert checked.exit_code == 0, checked
        again = persona.cli(*commands[what])
        assert again.exit_code == 0 or (what == "rmi" and "No such image" in again.err), again
    assert persona.cli("system", "check").exit_code == 0


@pytest.mark.parametrize("when", ["before it looks again", "as its names go"])
def test_a_prune_keeps_the_image_of_a_container_that_is_made_beside_it(persona: Persona, images: None, when: str):
    """And its names: whoever made the container has just used one of them."""
    said = persona.python(
        f"""
import json
from ipycontainer import Engine
from ipycontainer.engine import upkeep
from ipycontainer.engine.request import RunRequest
from ipycontainer.images import removal, usage
engine, made = Engine(), []
def beside(module, name):
    told = getattr(module, name)
    def act(*arguments, **more):
        "Somebody else's create, of an image that is still there, at this very moment."
        if not made and (module is usage or "two:1" in arguments[1].names):
            made.append(engine.create(RunRequest("two:1", ("true",))))
        return told(*arguments, **more)
    setattr(module, name, act)
beside(*((usage, "usage") if {when!r} == "before it looks again" else (removal, "_untag")))
lines, _ = upkeep.prune_images(engine, all=True, filters=[("label!", "ipycontainer.made-from-host")])
image = engine.image("two:1")
made[0].trees().weight()
made[0].remove()
print(json.dumps([image.names, [line for line in lines if "two" in line or image.id in line]]))
"""
    )
    assert said == [["two:1"], []]


def test_a_prune_beside_a_removal_is_no_failure(persona: Persona, images: None):
    said = persona.python(
        """
import json
from ipycontainer import Engine
from ipycontainer.engine import upkeep
from ipycontainer.images import usage
engine, told, others = Engine(), usage.usage, ["two:1"]
def act(*arguments):
    while others:
        engine.remove_image(others.pop())
    return told(*arguments)
usage.usage = act
lines, _ = upkeep.prune_images(engine, all=True, filters=[("label!", "ipycontainer.made-from-host")])
print(json.dumps(lines))
"""
    )
    assert "Untagged: one:1" in said and "Untagged: two:1" not in said, said
