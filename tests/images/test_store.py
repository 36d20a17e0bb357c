"""The store: what comes in, under which names it is found, and what is left when it goes."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipycontainer.errors import (
    ArchiveError,
    Conflict,
    DigestMismatch,
    DocumentError,
    Error,
    ImageInUse,
    ImageNameError,
    NoSuchImage,
    StoreError,
    StoreUnwritable,
    TruncatedArchive,
)
from ipycontainer.images.ingest import Incoming, take_layers
from ipycontainer.images.store import Store
from ipycontainer.oci import image_config
from ipycontainer.oci.digest import compute
from ipycontainer.oci.document import Document
from tests.images.forked import MODES, ask_as
from tests.images.layouts import config, docker_archive, docker_members, oci_members, pack
from tests.images.place import Place, own
from tests.images.tars import file, folder, tar

LOW = tar(folder("etc"), file("etc/low", b"low"), file("gone", b"x"))
TOP = tar(file("etc/top", b"top"), file(".wh.gone"))


pytestmark = own


def test_an_archive_of_docker(place: Place):
    assert place.load(docker_archive((["x/y:1", "z"], [LOW, TOP]))) == ["x/y:1", "z:latest"]
    image = place.store.resolve("x/y:1")
    assert image.names == ("x/y:1", "z:latest")
    assert image.id == compute(json.dumps(config([LOW, TOP])).encode())
    assert (image.size, image.created) == (7, 1704164645.0)
    for name in ("z", "docker.io/library/z:latest", image.id, image.short_id, image.id[7:], image.digest):
        assert place.store.resolve(name).id == image.id
    launch = place.store.launch("z")
    assert (launch.id, launch.name) == (image.id, "z:latest")
    assert launch.config == {"Env": ["A=b"], "Cmd": ["sh"]}
    top, low = (Path(path) for path in launch.lowers)
    assert (top / "etc/top").read_bytes() == b"top"
    assert (low / "etc/low").read_bytes() == b"low"
    assert (top / "gone").lstat().st_rdev == 0


def test_a_layer_that_two_images_share_is_stored_once(place: Place):
    raw = docker_archive((["a"], [LOW, TOP]), (["b"], [LOW]))
    assert place.load(raw) == ["a:latest", "b:latest"]
    assert len([name for name in place.names() if name.endswith("/tree")]) == 2
    assert place.store.launch("a").lowers[1:] == place.store.launch("b").lowers


def test_a_layer_that_stands_twice_in_an_image_is_stacked_once(place: Place):
    place.load(docker_archive((["a"], [LOW, TOP, LOW])))
    lowers = place.store.launch("a").lowers
    assert [Path(path).parent.name for path in lowers] == [compute(LOW).hex, compute(TOP).hex]


def test_a_layer_that_hides_everything_ends_the_stack(place: Place):
    hides = tar(file(".wh..wh..opq"), file("new"))
    place.load(docker_archive((["a"], [LOW, hides, TOP])))
    assert [Path(path).parent.name for path in place.store.launch("a").lowers] == [compute(TOP).hex, compute(hides).hex]


def test_an_image_without_layers_has_an_empty_root(place: Place):
    place.load(docker_archive((["a"], [])))
    (only,) = place.store.launch("a").lowers
    assert os.listdir(only) == []


def test_the_oci_layout_keeps_its_bytes(place: Place):
    members = oci_members("quay.io/x/y:2", [LOW, TOP])
    assert place.load(pack(members)) == ["quay.io/x/y:2"]
    blobs = {f"images/{path}" for path in members if path.startswith("blobs/")}
    assert blobs <= place.names()
    for path, content in members.items():
        if path.startswith("blobs/"):
            assert (place.root / "images" / path).read_bytes() == content
    before = place.names()
    place.load(pack(members))
    assert place.names() == before


def test_a_nameless_image_is_shown_by_its_id(place: Place):
    id = str(compute(json.dumps(config([LOW])).encode()))
    for name in ("", "latest"):
        assert place.load(pack(oci_members(name, [LOW]))) == [id]
    assert place.load(docker_archive(([], [LOW]))) == [id]
    assert [image.names for image in place.store.list()] == [()]


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, bz2.compress], ids=["gzip", "xz", "bzip2"])
def test_archives_and_layers_may_be_compressed(place: Place, compress: Callable[[bytes], bytes]):
    assert place.load(compress(docker_archive((["a"], [LOW])))) == ["a:latest"]
    members = docker_members([(["b"], [TOP])])
    packed = compress(TOP)
    whole = [file(entry.name, packed) if content == TOP else (entry, content) for entry, content in members]
    assert place.load(tar(*whole)) == ["b:latest"]
    assert len(place.store.list()) == 2
    for image in place.store.list():
        for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True):
            raw = (place.root / "images/blobs/sha256" / layer.digest.hex).read_bytes()
            assert (gzip.decompress(raw) if layer.media_type.endswith("gzip") else raw) in (LOW, TOP)
            assert diff_id in (compute(LOW), compute(TOP))


def test_from_a_pipe_and_from_the_middle_of_a_file(place: Place):
    raw = docker_archive((["a"], [LOW]))
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        with open(writing, "wb") as pipe:
            pipe.write(raw)
        os._exit(0)
    os.close(writing)
    assert place.store.load(reading) == ["a:latest"]
    os.close(reading)
    place.path.write_bytes(b"before" + docker_archive((["b"], [LOW])))
    with open(place.path, "rb") as stream:
        stream.seek(6)
        assert place.store.load(stream.fileno()) == ["b:latest"]


def flipped(raw: bytes, what: bytes) -> bytes:
    at = raw.index(what)
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def without(members: dict[str, bytes], kind: str) -> bytes:
    """The archive without its first blob, or with one changed."""
    first = next(path for path in members if path.startswith("blobs/"))
    kept = {path: content for path, content in members.items() if path != first}
    return pack(kept if kind == "missing" else {**members, first: members[first][:-9]})


OCI = oci_members("a", [LOW, TOP])
DAMAGED: dict[str, tuple[bytes, type[Error], str]] = {
    "layer flipped": (flipped(docker_archive((["a"], [LOW])), b"low" + bytes(400)), DigestMismatch, "damaged or not"),
    "config flipped": (flipped(docker_archive((["a"], [LOW])), b"A=b"), DigestMismatch, "config .* is damaged"),
    "blob flipped": (flipped(pack(OCI), gzip.compress(LOW)[20:30]), Error, "damaged"),
    "manifest flipped": (flipped(pack(OCI), b'"unknown"'), DigestMismatch, "manifest .* damaged"),
    "layer missing": (without(OCI, "missing"), ArchiveError, "is missing"),
    "gzip cut": (without(OCI, "cut"), Error, "cut off|promised"),
    "cut": (docker_archive((["a"], [LOW]))[:-4000], TruncatedArchive, "ends in the middle"),
    "gz cut": (gzip.compress(docker_archive((["a"], [LOW])))[:-20], TruncatedArchive, "cut off"),
    "escapes": (docker_archive((["a"], [tar(file("../x"))])), ArchiveError, "climbs out"),
    "twice": (docker_archive((["a"], [LOW]))[:-1024] + tar(file("manifest.json", b"[]")), ArchiveError, "stands twice"),
    "bad name": (docker_archive((["A B"], [LOW])), ImageNameError, "a name that cannot be"),
    "no image": (tar(file("manifest.json", b"[]")), ArchiveError, "holds no image"),
    "not json": (tar(file("manifest.json", b"[")), DocumentError, "not JSON"),
    "no archive": (b"hello" * 1000, ArchiveError, "no tar archive"),
    "empty": (b"", ArchiveError, "neither manifest.json nor index.json"),
    "old": (tar(file("repositories", b"{}")), ArchiveError, "docker before 1.10"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_is_damaged_leaves_nothing(place: Place, kind: str):
    raw, error, sentence = DAMAGED[kind]
    place.load(docker_archive((["kept"], [tar(file("kept"))])))
    before = place.names()
    with pytest.raises(error, match=sentence):
        place.load(raw)
    assert [image.names for image in place.store.list()] == [("kept:latest",)]
    place.store.collect()
    assert place.names() == before


def test_config_and_layers_that_do_not_fit_together(place: Place):
    *members, (_, content) = docker_members([(["a"], [LOW, TOP])])
    found = json.loads(content)
    found[0]["Layers"].pop()
    with pytest.raises(DocumentError, match="has 1 layers, but its config names 2"):
        place.load(tar(*members, file("manifest.json", json.dumps(found).encode())))


def test_a_blob_that_claims_a_tree_that_is_here_is_read_all_the_same(place: Place):
    place.load(docker_archive((["a"], [LOW])))
    before = place.names()
    members = oci_members("b", [LOW], compress=lambda _: gzip.compress(TOP))
    with pytest.raises(DigestMismatch, match=r"the layer .* damaged or not what it claims"):
        place.load(pack(members))
    assert place.store.find("b") is None
    place.store.collect()
    assert place.names() == before
    assert place.load(pack(oci_members("b", [LOW], compress=lambda raw: gzip.compress(raw, 1)))) == ["b:latest"]


def test_a_layer_that_fails_ends_the_other_that_is_read_beside_it(place: Place):
    """Nobody can interrupt a thread: as after Ctrl-C, it would go on to its end, and here there is none."""
    begun = threading.Event()

    class Failing:
        def read(self, _most: int, /) -> bytes:
            assert begun.wait(60)
            raise DocumentError("enough")

    class Endless:
        count = 0

        def read(self, _most: int, /) -> bytes:
            begun.set()
            self.count += 1
            return tar(file(f"f{self.count}"))[:512]

    store = place.store
    store.layout.prepare()
    raw = json.dumps(config([LOW, TOP])).encode()
    incoming = [Incoming(Failing), Incoming(Endless)]
    with pytest.raises(DocumentError, match="enough"):
        take_layers(store.layout, store.layers, incoming, image_config.read(Document(raw)))
    assert not [name for name in place.names() if "new-" in name]


def test_a_blob_and_a_tree_that_are_here_are_no_pair_for_it(place: Place):
    """Else whoever knows the diff id of a layer that lies here could put it into an image of his own."""
    place.load(pack(oci_members("a", [LOW])))
    place.load(pack(oci_members("b", [TOP])))
    members = oci_members("c", [TOP])
    blob = next(content for path, content in members.items() if content[:2] == b"\x1f\x8b")
    forged = oci_members("c", [LOW], compress=lambda _layer: blob)
    with pytest.raises(DigestMismatch, match="promised was"):
        place.load(pack(forged))
    assert place.store.find("c") is None
    place.load(pack(oci_members("d", [LOW])))
    assert place.store.resolve("d").id == place.store.resolve("a").id


def test_names_move(place: Place):
    place.load(docker_archive((["a", "b"], [LOW])))
    place.load(docker_archive((["a"], [TOP])))
    assert place.store.resolve("a").config.diff_ids == (compute(TOP),)
    assert place.store.resolve("b").config.diff_ids == (compute(LOW),)
    place.load(docker_archive((["b"], [TOP])))
    assert sorted(image.names for image in place.store.list()) == [(), ("a:latest", "b:latest")]


def test_removing(place: Place):
    place.load(docker_archive((["a", "b"], [LOW, TOP]), (["c"], [LOW])))
    store = place.store
    image = store.resolve("a")
    with pytest.raises(Conflict, match="referenced in several repositories: a:latest, b:latest"):
        store.remove(image.short_id)
    assert store.remove("a") == ["Untagged: a:latest"]
    with pytest.raises(NoSuchImage, match="No such image: a:latest"):
        store.remove("a")
    with pytest.raises(ImageInUse, match="a container uses its image"):
        store.remove("b", in_use=lambda: [image.id])
    assert store.remove("b", in_use=lambda: [image.id], force=True) == ["Untagged: b:latest"]
    assert store.resolve(image.id).names == ()
    assert store.remove(image.short_id) == [f"Deleted: {image.id}", f"Deleted: {compute(TOP)}"]
    assert store.launch("c").lowers == (str(place.root / "layers" / compute(LOW).hex / "tree"),)
    assert store.remove("c")[-1] == f"Deleted: {compute(LOW)}"
    assert store.list() == []
    left = place.names()
    assert not [name for name in left if name.startswith(("layers/", "images/blobs/sha256/", "images/ingest/"))]


def test_removing_by_id_takes_all_names_by_force(place: Place):
    place.load(docker_archive((["a", "b"], [LOW])))
    place.load(pack(oci_members("c", [LOW])))  # the same config would be another id: nothing is shared but the layer
    lines = place.store.remove(place.store.resolve("a").id, force=True)
    assert lines[0] == "Untagged: a:latest"


def test_unknown_images(place: Place):
    for name in ("nothing", "nothing:1", "sha256:" + "0" * 64, "abcdef", "x@sha256:" + "0" * 64):
        with pytest.raises(NoSuchImage, match=r"Unable to find image '.*' locally.*`pull`.*`load -i FILE`.*`base`"):
            place.store.launch(name)
    with pytest.raises(ImageNameError):
        place.store.launch("Upper")
    assert not (place.root / "images").exists(), "asking makes nothing"


def test_the_beginning_of_an_id_must_be_enough(place: Place):
    pairs: dict[str, int] = {}
    place.load(docker_archive(*(([], [tar(file(f"f{number}"))]) for number in range(20))))
    for image in place.store.list():
        pairs[image.short_id[0]] = pairs.get(image.short_id[0], 0) + 1
    digit = next(key for key, count in pairs.items() if count > 1)
    with pytest.raises(NoSuchImage, match="is the beginning of"):
        place.store.resolve(digit)


def test_a_config_that_its_manifest_names_by_sha512(place: Place):
    members = oci_members("", [LOW])
    (entry,) = json.loads(members["index.json"])["manifests"]
    manifest = json.loads(members.pop(f"blobs/sha256/{entry['digest'][7:]}"))
    raw = members.pop(f"blobs/sha256/{manifest['config']['digest'][7:]}")
    named = compute(raw, "sha512")
    manifest["config"]["digest"] = str(named)
    changed = json.dumps(manifest).encode()
    more = {f"blobs/sha512/{named.hex}": raw, f"blobs/sha256/{compute(changed).hex}": changed}
    entry.update(digest=str(compute(changed)), size=len(changed), annotations={REF_NAME: "a"})
    assert place.load(with_index(members, [entry], more)) == ["a:latest"]
    (image,) = place.store.list()
    assert image.id == compute(raw), "an id is one of sha256, as everywhere"
    for name in ("a", image.id, image.short_id, image.digest):
        assert place.store.resolve(name) == image
    place.store.collect()
    assert place.store.launch("a").id == image.id
    place.store.remove("a")
    assert not [name for name in place.names() if name.startswith("images/blobs/") and name.count("/") == 3]


def test_a_name_as_long_as_an_id_is_a_name(place: Place):
    name = "localhost:5000/" + "a" * 47 + ":1"
    assert len(name) == 64
    place.load(docker_archive(([name], [LOW])))
    assert place.store.resolve(name).names == (name,)


def test_what_is_asked_for_is_found_whatever_the_others_are_like(place: Place):
    place.load(docker_archive((["a"], [LOW]), (["b"], [TOP])))
    wanted, other = (place.store.resolve(name) for name in "ab")
    Path(place.store.layout.blob_path(other.config.document.digest)).write_bytes(b"{}")
    assert place.store.resolve(wanted.id) == wanted
    assert place.store.resolve(wanted.id.removeprefix("sha256:")) == wanted
    assert place.store.resolve("a") == wanted == place.store.resolve(wanted.short_id)
    assert place.store.resolve(f"a@{wanted.digest}") == wanted
    for name in ("b", other.id, other.short_id, other.digest):
        with pytest.raises(DigestMismatch):
            place.store.resolve(name)


def test_the_small_file_of_a_launch_follows_the_index(place: Place):
    place.load(docker_archive((["a"], [LOW])))
    first = place.store.launch("a")
    assert place.store.launch("a") == first
    (small,) = (place.root / "images/launch").iterdir()
    assert small.stat().st_size < 1500
    place.load(docker_archive((["a"], [TOP])))
    assert place.store.launch("a").id != first.id
    small.write_text("{")
    assert place.store.launch("a").id != first.id


def test_a_tree_that_was_lost_is_made_again_from_its_blob(place: Place):
    place.load(pack(oci_members("a", [LOW])))
    place.store.layers.discard([])
    place.store.load(str(place.path))
    (lower,) = place.store.launch("a").lowers
    assert (Path(lower) / "etc/low").read_bytes() == b"low"
    place.store.layers.discard([])
    os.unlink(next((place.root / "images/launch").iterdir()))
    (lower,) = place.store.launch("a").lowers
    assert (Path(lower) / "etc/low").read_bytes() == b"low"


def test_trees_of_another_mode_are_not_mounted(place: Place):
    place.load(docker_archive((["a"], [LOW])))
    other = "one" if MODES[place.persona.name] == "root" else "root"
    with pytest.raises(StoreError, match=r"unpacked in the mode .*doctor.*IPYCONTAINER_ROOT"):
        Store(str(place.root), ask_as(place.persona), lambda: other).launch("a")


def test_unknown_fields_of_the_index_stay(place: Place):
    place.load(docker_archive((["a"], [LOW])))
    path = place.root / "images/index.json"
    index = json.loads(path.read_bytes())
    index["annotations"] = {"theirs": "kept"}
    index["manifests"][0]["annotations"]["theirs"] = "kept"
    path.write_text(json.dumps(index))
    place.load(docker_archive((["b"], [TOP])))
    after = json.loads(path.read_bytes())
    assert after["annotations"] == {"theirs": "kept"}
    assert after["manifests"][0] == index["manifests"][0]


def test_a_store_that_cannot_be_written(place: Place, monkeypatch: pytest.MonkeyPatch):
    (place.root / "images").write_text("in the way")
    with pytest.raises(StoreUnwritable, match=r"cannot write the image store .*IPYCONTAINER_ROOT"):
        place.load(docker_archive((["a"], [LOW])))


def test_a_full_disk(place: Place, tmp_path: Path):
    """A tmpfs of 2 MB, in a mount namespace of a child's own."""
    if os.geteuid() != 0:
        return
    big = docker_archive((["a"], [tar(file("big", os.urandom(3_000_000)))]))
    place.path.write_bytes(big)

    def work() -> Any:
        from ipycontainer.linux import mounts, namespaces

        namespaces.unshare(namespaces.CLONE_NEWNS)
        mounts.mount("none", "/", flags=mounts.MS_REC | mounts.MS_PRIVATE)
        mounts.mount("tmpfs", str(place.root), "tmpfs", 0, "size=2m")
        try:
            place.store.load(str(place.path))
        except StoreUnwritable as error:
            left = [name for name in place.names() if "new-" in name or name.startswith("layers/")]
            return [str(error), left]
        return "loaded"

    from tests.images.forked import in_store_namespace

    sentence, left = in_store_namespace(place.persona, work)
    assert "No space left" in sentence or "may be used of the store's disk" in sentence
    assert left == []


def in_child(work: Callable[[], Any]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


@pytest.fixture
def big() -> Iterator[bytes]:
    layers = [tar(*(file(f"{layer}/{number}", os.urandom(2000)) for number in range(800))) for layer in range(2)]
    yield docker_archive((["big"], layers))


@pytest.mark.parametrize("part", [0.02, 0.2, 0.5, 0.8])
def test_a_loader_that_is_killed_leaves_what_the_next_one_clears(place: Place, big: bytes, part: float):
    place.path.write_bytes(big)
    started = time.monotonic()
    os.waitpid(in_child(lambda: place.store.load(str(place.path))), 0)
    whole = time.monotonic() - started
    names = place.names()
    assert place.store.remove("big")
    pid = in_child(lambda: place.store.load(str(place.path)))
    time.sleep(whole * part)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert [image.names for image in place.store.list()] in ([], [("big:latest",)])
    assert place.store.load(str(place.path)) == ["big:latest"]
    limit = (
        time.monotonic() + 30
    )  # a job of the dead may still be waiting for the disk, and what it holds is left alone
    while place.names() != names and time.monotonic() < limit:
        time.sleep(0.2)
        place.store.collect()
    assert place.names() == names


def test_many_load_the_same_at_once(place: Place, big: bytes):
    place.path.write_bytes(big)
    children = [in_child(lambda: place.store.load(str(place.path))) for _ in range(4)]
    for pid in children:
        os.waitpid(pid, 0)
    assert [image.names for image in place.store.list()] == [("big:latest",)]
    assert not [name for name in place.names() if ".new-" in name or "ingest/" in name]
    assert len(list((place.root / "layers").iterdir())) == 2


def test_removing_while_others_load_takes_nothing_away_from_them(place: Place, big: bytes):
    place.load(docker_archive((["other"], [LOW])))
    with place.store.loading():
        place.store.remove("other")
        assert (place.root / "layers" / compute(LOW).hex).exists(), "the loader may be about to use it"
    place.store.collect()
    assert not (place.root / "layers" / compute(LOW).hex).exists()


def with_index(members: dict[str, bytes], entries: list[dict[str, Any]], more: dict[str, bytes] | None = None) -> bytes:
    index = {"schemaVersion": 2, "manifests": entries}
    return pack({**members, **(more or {}), "index.json": json.dumps(index).encode()})


def test_docker_25_writes_both_layouts_at_once(place: Place):
    members = oci_members("", [LOW, TOP])
    (entry,) = json.loads(members["index.json"])["manifests"]
    manifest = json.loads(members[f"blobs/sha256/{entry['digest'][7:]}"])
    names = [
        entry | {"annotations": {"io.containerd.image.name": f"docker.io/library/x:{tag}", REF_NAME: tag}}
        for tag in ("1", "latest")
    ]
    config = f"blobs/sha256/{manifest['config']['digest'][7:]}"
    layers = [f"blobs/sha256/{layer['digest'][7:]}" for layer in manifest["layers"]]
    listed = json.dumps([{"Config": config, "RepoTags": ["x:1", "x:latest", "y:3"], "Layers": layers}]).encode()
    loaded = place.load(with_index(members, names, {"manifest.json": listed}))
    assert set(loaded) == {"x:1", "x:latest", "y:3"}
    (image,) = place.store.list()
    assert set(image.names) == {"x:1", "x:latest", "y:3"}
    assert image.digest == entry["digest"]


def test_one_platform_of_several(place: Place):
    members = oci_members("", [LOW])
    (entry,) = json.loads(members["index.json"])["manifests"]
    mine = {"os": "linux", "architecture": place_architecture()}
    missing = entry | {"digest": "sha256:" + "0" * 64}
    offers = [
        missing | {"platform": {"os": "linux", "architecture": "s390x"}},
        missing | {"platform": mine, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
        entry | {"platform": mine},
    ]
    nested = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": offers}).encode()
    top = {"mediaType": INDEX, "digest": str(compute(nested)), "size": len(nested), "annotations": {REF_NAME: "many"}}
    raw = with_index(members, [top], {f"blobs/sha256/{compute(nested).hex}": nested})
    assert place.load(raw) == ["many:latest"]
    assert place.store.resolve("many").digest == entry["digest"]
    named = [offer | {"annotations": {REF_NAME: "flat"}} for offer in (offers[0], offers[2])]
    assert place.load(with_index(members, named)) == ["flat:latest"]
    others = [
        offers[0] | {"annotations": {REF_NAME: "no"}},
        offers[0] | {"platform": {"os": "plan9", "architecture": "amd64"}},
    ]
    with pytest.raises(Error, match=r"is missing|nothing for"):
        place.load(with_index(members, [dict(other, annotations={REF_NAME: "no"}) for other in others]))


def place_architecture() -> str:
    from ipycontainer.oci.platform import host

    return host().architecture


INDEX = "application/vnd.oci.image.index.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"


def test_what_is_no_image_is_passed_over(place: Place):
    members = oci_members("", [LOW])
    (entry,) = json.loads(members["index.json"])["manifests"]
    described = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": entry["digest"], "size": 2}
    chart = json.dumps({"schemaVersion": 2, "config": described, "layers": []}).encode()
    other = entry | {"digest": str(compute(chart)), "size": len(chart), "annotations": {REF_NAME: "c"}}
    blob = {f"blobs/sha256/{compute(chart).hex}": chart}
    with pytest.raises(ArchiveError, match="holds no image"):
        place.load(with_index(members, [other], blob))
    assert place.load(with_index(members, [other, entry | {"annotations": {REF_NAME: "i"}}], blob)) == ["i:latest"]
