"""`load` on the command line, as every account, through the real launcher: good archives and bad ones."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator

import pytest

from ipycontainer.images.inside.tar_writer import END, header
from ipycontainer.oci.digest import compute
from tests.images.layouts import docker_archive, oci_members, pack
from tests.images.tars import char, file, folder, symlink, tar
from tests.personas import Persona

LAYER = tar(folder("d", 0o750), file("d/f", b"content"), symlink("l", "d/f"))


@pytest.fixture
def unchanged(persona: Persona) -> Iterator[None]:
    """Fails unless images, layers and blobs are what they were."""

    def look() -> tuple[str, set[str]]:
        kept = [
            path for name in ("layers/*", "images/blobs/*/*", "images/ingest/*") for path in persona.store.glob(name)
        ]
        # Not the whole table: it says how old each image is, and a slow test crosses a minute.
        rows = persona.ok("images", "--no-trunc", "--format", "{{.Repository}} {{.Tag}} {{.ID}} {{.Size}}")
        return rows, {str(path) for path in kept}

    persona.ok("run", "--rm", "base", "true", timeout=100)
    before = look()
    yield
    assert look() == before


def test_what_is_loaded_is_listed_inspected_and_removed(persona: Persona, unchanged: None):
    raw = docker_archive((["some/name:1", "other"], [LAYER]))
    assert persona.ok("load", input=raw).splitlines() == ["Loaded image: some/name:1", "Loaded image: other:latest"]
    assert {"some/name:1", "other:latest"} <= set(persona.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split())
    assert persona.ok("image", "inspect", "-f", "{{json .Config.Cmd}} {{.Size}}", "other") == '["sh"] 7'
    assert persona.ok("rmi", "other") == "Untagged: other:latest"
    lines = persona.ok("rmi", "some/name:1").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Untagged", "Deleted", "Deleted"]


def test_a_nameless_image(persona: Persona, unchanged: None):
    said = persona.ok("load", input=pack(oci_members("", [LAYER])))
    assert said.startswith("Loaded image ID: sha256:")
    assert persona.ok("rmi", said.rpartition(":")[2][:12]).startswith("Deleted: sha256:")


FOREIGN = tar(folder("d"), file("d/f", b"#!", 0o4755, uid=70_000), file("d/g", gid=70_000), file("d/h", uid=7))


@pytest.mark.personas("user")
def test_ids_that_this_user_does_not_have(persona: Persona, unchanged: None):
    raw = docker_archive((["foreign:1"], [FOREIGN]))
    refused = persona.cli("load", input=raw)
    assert refused.exit_code == 1 and refused.err.count("\n") == 1, refused
    assert "'d/f' belongs to 70000:0" in refused.err and "/etc/subuid" in refused.err and "--ignore-ids" in refused.err
    done = persona.cli("load", "--ignore-ids", input=raw)
    assert done.exit_code == 0 and done.out == "Loaded image: foreign:1\n", done
    assert done.err.startswith("WARNING: 2 names of foreign:1 belong to ids that this user does not have; ")
    assert persona.python("from ipycontainer import Engine; print(Engine().image('foreign:1').folded)") == 2
    persona.ok("rmi", "foreign:1")
    tree = persona.path("foreign.tar", FOREIGN)
    assert "outside the ids" in persona.cli("import", tree, "foreign:2").err
    done = persona.cli("import", "--ignore-ids", tree, "foreign:2")
    assert done.exit_code == 0 and done.err.startswith("WARNING: 2 names of foreign:2 belong to ids"), done
    persona.ok("rmi", "foreign:2")
    quiet = persona.cli("load", "--ignore-ids", input=docker_archive((["own:1"], [LAYER])))
    assert (quiet.exit_code, quiet.err) == (0, ""), quiet
    persona.ok("rmi", "own:1")


def with_more_layers(saved: bytes, name: str, count: int) -> bytes:
    """What `save` wrote of one image, with `count` layers more: each has a file, and hides that of the one below."""
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        (image,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        parts = {path: archive.extractfile(path).read() for path in (image["Config"], *image["Layers"])}  # type: ignore[union-attr]
    config = json.loads(parts.pop(image["Config"]))
    for number in range(count):
        layer = tar(file(f"own-{number}", b"x"), file("last", str(number).encode()), file(f".wh.own-{number - 1}"))
        parts[f"more-{number}/layer.tar"] = layer
        config["rootfs"]["diff_ids"].append(str(compute(layer)))
    config.pop("history", None)
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": list(parts)}]
    documents = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    return pack({**parts, **documents})


def test_an_image_of_more_layers_than_mount_takes_at_once(persona: Persona, unchanged: None):
    """mount(2) cuts its options after a page, and overlayfs of old took 64."""
    saved = persona.cli("save", "base").out_bytes
    persona.ok("load", input=with_more_layers(saved, "high:1", 130), timeout=120)
    layers = persona.ok("image", "inspect", "-f", "{{len .RootFS.Layers}}", "high:1")
    assert int(layers) >= 130
    assert persona.ok("run", "--rm", "high:1", "sh", "-c", "cat /last; echo; ls -d /own-*") == "129\n/own-129"
    persona.ok("rmi", "high:1")


def bomb() -> bytes:
    """An archive of 1.2 MB whose layer is one file of 1.2 GB: zeros, compressed once and then repeated."""
    entry, _ = file("zeros")
    entry.size = 18 * (64 << 20)
    blob = gzip.compress(header(entry)) + gzip.compress(bytes(64 << 20)) * 18 + gzip.compress(END)
    small = tar(file("small"))
    members = oci_members("bomb:1", [small], lambda _layer: blob)
    return pack(members)


def test_a_bomb_is_refused_when_it_has_grown_past_a_gigabyte(persona: Persona, unchanged: None):
    raw = bomb()
    assert len(raw) < 2 << 20
    done = persona.cli("load", input=raw)
    assert done.exit_code == 1 and done.err.count("\n") == 1, done
    assert "more than 200 times its size" in done.err and "IPYCONTAINER_LAYER_RATIO" in done.err
    smaller = persona.cli("load", input=raw, env={"IPYCONTAINER_LAYER_BYTES": "1000000"})
    assert smaller.exit_code == 1 and "IPYCONTAINER_LAYER_BYTES" in smaller.err, smaller


def test_a_manifest_without_end(persona: Persona, unchanged: None):
    """Its size is looked at before it is read."""
    entry, _ = file("manifest.json")
    entry.size = 1 << 30
    path = persona.path("huge.tar", header(entry))
    with path.open("r+b") as archive:
        archive.truncate(512 + (1 << 30) + 1024)
    done = persona.cli("load", "-i", path)
    path.unlink()
    assert done.exit_code == 1 and done.err.count("\n") == 1 and "4194304 bytes" in done.err, done


BAD = {
    "climbs": (docker_archive((["a"], [tar(file("../../x"))])), "climbs out"),
    "through a link": (docker_archive((["a"], [tar(symlink("x", "/tmp"), file("x/evil"))])), "through a link"),
    "truncated gzip": (gzip.compress(docker_archive((["a"], [LAYER])))[:-30], "cut off"),
    "damaged": (docker_archive((["a"], [LAYER])).replace(b"content", b"c0ntent"), "its digest is"),
    "no archive": (b"hello", "is no tar archive"),
    "nothing": (b"", "no archive of images"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_archives_are_one_sentence_and_leave_nothing(persona: Persona, unchanged: None, kind: str):
    raw, sentence = BAD[kind]
    done = persona.cli("load", input=raw)
    assert (done.exit_code != 0, done.out) == (True, "")
    assert sentence in done.err
    assert len(done.err.strip().splitlines()) == 1, done
    assert "Traceback" not in done.err


@pytest.mark.parametrize("start", [b"\0", b"no archive\n"])
def test_what_is_no_archive_is_told_at_once(persona: Persona, unchanged: None, start: bytes):
    """Not when a pipe that may never end has filled the disk."""
    process = persona.popen(["ipycontainer", "load"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    try:
        with pytest.raises(BrokenPipeError):
            for _ in range(1000):
                process.stdin.write(start * 50_000)
    finally:
        process.stdin = None
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and b"no tar archive" in err, err


@pytest.mark.personas("user", "solo")
def test_devices_are_not_for_an_ordinary_user(persona: Persona, unchanged: None):
    done = persona.cli("load", input=docker_archive((["a"], [tar(char("dev/null", 1, 3))])))
    assert done.exit_code != 0
    assert "device node" in done.err


@pytest.mark.personas("user")
def test_ids_outside_the_range(persona: Persona, unchanged: None):
    done = persona.cli("load", input=docker_archive((["a"], [tar(file("f", uid=100_000))])))
    assert done.exit_code != 0
    assert "/etc/subuid" in done.err


def test_an_image_in_use_stays(persona: Persona):
    persona.ok("create", "--name", "keeps", "base", "true")
    try:
        done = persona.cli("rmi", "base")
        assert done.exit_code == 1
        assert "a container uses its image" in done.err or "is using its referenced image" in done.err
    finally:
        persona.ok("rm", "keeps")


def test_a_layer_that_went_and_came_back_is_seen_anew(persona: Persona, unchanged: None):
    """What was made ready for the old one's folder would show a tree without files: same path, another folder."""
    persona.ok("run", "--name", "again", "base", "sh", "-c", "echo there > /there")
    persona.ok("commit", "again", "again:1")
    persona.ok("rm", "again")
    persona.ok("save", "-o", "again.tar", "again:1")
    for _ in range(4):
        for _ in range(3):  # the next ones are made ready for what came last
            assert persona.ok("run", "--rm", "again:1", "cat", "/there") == "there"
        persona.ok("rmi", "again:1")
        persona.ok("load", "-i", "again.tar")
    persona.ok("rmi", "again:1")


RACES = """
import json, sys
from ipycontainer import Engine, errors
from ipycontainer.engine.request import RunRequest
raced, engine = sys.argv[1], Engine()
request = RunRequest("raced:1", ("true",))
def once(owner, name, meanwhile):
    real = getattr(owner, name)
    def first(*arguments, **more):
        setattr(owner, name, real)
        meanwhile()
        return real(*arguments, **more)
    setattr(owner, name, first)
if raced == "create":  # the whole of rmi between what create reads and what it writes
    once(engine.directory, "add", lambda: engine.remove_image("raced:1"))
    try:
        told = ["made", engine.create(request).name]
    except errors.Error as error:
        told = [type(error).__name__, str(error)]
    print(json.dumps([*told, [one.name for one in engine.containers(all=True)]]))
else:  # the whole of create between rmi's look for containers and the index
    made = []
    once(type(engine.store.layout), "change", lambda: made.append(engine.create(request)))
    lines = engine.remove_image("raced:1")
    engine.store.collect()
    print(json.dumps([lines, [image.id for image in engine.images()] == made[0].image_ids]))
"""


@pytest.mark.parametrize("raced", ["create", "rmi"])
def test_a_container_is_made_while_its_image_is_removed(fresh_persona: Persona, raced: str):
    persona = fresh_persona
    persona.ok("load", input=docker_archive((["raced:1"], [tar(file("f", b"x"))])))
    done = persona.run(["python3", "-I", "-c", RACES, raced])
    assert done.exit_code == 0, done
    if raced == "create":
        sentence = "the image raced:1 was removed while a container was made of it; pull or load it again"
        assert json.loads(done.out) == ["NoSuchImage", sentence, []]
    else:
        assert json.loads(done.out) == [["Untagged: raced:1"], True]
