"""`save`, `tag`, `history`, `image inspect` and the layers of an image, as every account."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipycontainer.engine.image import Image
from tests.images import layouts
from tests.images.layouts import docker_archive, oci_members, pack
from tests.images.place import Place, own
from tests.images.tars import file, folder, tar
from tests.personas import Persona

LOWER = tar(folder("d"), file("d/f", b"content"), file("d/g", b"long content"))
UPPER = tar(folder("d"), file("d/f", b"new"), file("d/.wh.g"), file("d/h", b"h"))


@pytest.fixture
def two_layers(persona: Persona) -> Iterator[str]:
    persona.ok("load", input=docker_archive((["two/layers:1"], [LOWER, UPPER])))
    yield "two/layers:1"
    persona.ok("rmi", "-f", "two/layers:1")


def test_an_archive_is_the_same_twice_and_loads_again(persona: Persona, two_layers: str):
    persona.ok("tag", two_layers, "other:2")
    persona.ok("save", "-o", "one.tar", two_layers, "other:2")
    persona.ok("save", "-o", "two.tar", two_layers, "other:2")
    one = (persona.work / "one.tar").read_bytes()
    assert one == (persona.work / "two.tar").read_bytes()
    assert persona.run(["ipycontainer", "save", two_layers, "other:2"]).out_bytes == one
    id = persona.ok("images", "-q", "--no-trunc", two_layers)
    persona.ok("rmi", "-f", id)
    assert persona.ok("load", "-i", "one.tar").splitlines() == [
        "Loaded image: two/layers:1",
        "Loaded image: other:2",
    ]
    assert persona.ok("images", "-q", "--no-trunc", two_layers) == id
    persona.ok("rmi", "other:2")


def test_what_was_pulled_leaves_as_it_came(persona: Persona):
    members = oci_members("kept:1", [LOWER])
    persona.ok("load", input=pack(members))
    persona.ok("save", "-o", "kept.tar", "kept:1")
    with tarfile.open(persona.work / "kept.tar") as archive:
        for path, content in members.items():
            if path.startswith("blobs/"):
                found = archive.extractfile(path)
                assert found is not None and found.read() == content
    persona.ok("rmi", "kept:1")


def test_other_programs_read_it(persona: Persona, two_layers: str, tmp_path: Path):
    if not shutil.which("skopeo"):
        pytest.skip("needs skopeo and umoci (apt-get install skopeo umoci)")
    archive = tmp_path / "saved.tar"
    archive.write_bytes(persona.run(["ipycontainer", "save", two_layers]).out_bytes)
    for transport in (f"docker-archive:{archive}:{two_layers}", f"oci-archive:{archive}:{two_layers}"):
        done = subprocess.run(["skopeo", "inspect", transport], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (transport, done.stderr)
        assert len(json.loads(done.stdout)["Layers"]) == 2
        copied = ["skopeo", "copy", "-q", transport, f"dir:{tmp_path / transport.partition(':')[0]}"]
        subprocess.run(copied, check=True, capture_output=True)


def test_a_repository_means_all_its_tags(persona: Persona, two_layers: str):
    persona.ok("tag", two_layers, "two/layers:2")
    persona.ok("save", "-o", "all.tar", "two/layers")
    with tarfile.open(persona.work / "all.tar") as archive:
        found = archive.extractfile("manifest.json")
        assert found is not None
        assert json.load(found)[0]["RepoTags"] == ["two/layers:1", "two/layers:2"]
    persona.ok("rmi", "two/layers:2")


def test_nothing_half_is_left(persona: Persona, two_layers: str):
    before = sorted(persona.work.iterdir())
    failed = persona.run(["ipycontainer", "save", "-o", "half.tar", two_layers, "none:1"])
    assert failed.exit_code == 1 and "Unable to find image 'none:1'" in failed.err
    blob = persona.store / "images" / "blobs" / "sha256"
    digest = json.loads(persona.ok("image", "inspect", two_layers))[0]["Descriptor"]["digest"]
    layer = json.loads((blob / digest.partition(":")[2]).read_text())["layers"][0]["digest"].partition(":")[2]
    shutil.move(blob / layer, blob.parent.parent / "aside")
    failed = persona.run(["ipycontainer", "save", "-o", "half.tar", two_layers])
    shutil.move(blob.parent.parent / "aside", blob / layer)
    assert failed.exit_code == 1 and "is missing from the store" in failed.err
    assert sorted(persona.work.iterdir()) == before


def test_a_tag_is_no_digest_and_needs_an_image(persona: Persona, two_layers: str):
    failed = persona.run(["ipycontainer", "tag", two_layers, f"a@sha256:{'0' * 64}"])
    assert failed.exit_code == 1 and "refusing to create a tag with a digest reference" in failed.err
    assert persona.run(["ipycontainer", "tag", "none:1", "b"]).exit_code == 1


def test_history_and_inspect(persona: Persona, two_layers: str):
    lines = persona.ok("history", "--format", "{{.ID}} {{.Size}}", two_layers).splitlines()
    assert lines[0].endswith(" 4B") and lines[1] == "<missing> 19B"
    document = json.loads(persona.ok("image", "inspect", two_layers))[0]
    assert document["RepoTags"] == [two_layers] and len(document["RootFS"]["Layers"]) == 2


@own
def test_what_an_image_says_of_its_steps_cannot_command_a_terminal(place: Place):
    layer = tar(file("f"))
    config = {**layouts.config([layer]), "history": [{"created_by": "\x1b[2J\nforged"}]}
    raw = json.dumps(config).encode()
    place.load(
        tar(
            file("c.json", raw),
            file("l.tar", layer),
            file("manifest.json", b'[{"Config":"c.json","Layers":["l.tar"],"RepoTags":["steps:1"]}]'),
        )
    )
    text = repr(Image(place.store.resolve("steps:1"), place.store).tree())
    assert text.count("\n") == 1 and text.endswith(r"  \x1b[2J\nforged"), text


def test_the_layers_in_python(persona: Persona, two_layers: str):
    code = f"""
from ipycontainer import Engine, errors
image = Engine().image({two_layers!r})
lower, upper = image.layers
print(lower["/d/f"], upper["d/f"], upper.added, upper.changed, upper.removed, lower.wasted, "/d/g" in lower)
try:
    upper["/d/g"]
except errors.NotFound as error:
    print(error)
print(len(image.tree()), image.tree().wasted, "WASTED" in repr(image.tree()))
"""
    assert persona.python(code).splitlines() == [
        "b'content' b'new' {'/d/h': 1} {'/d/f': 3} {'/d/g': 12} 19 True",
        "/d/g is no file of layer 1; `.files` lists what it holds",
        "2 19 True",
    ]
