"""Names of images in the index: given, lost, and what they may claim."""

from __future__ import annotations

import json

import pytest

from ipycontainer.errors import Conflict, ImageInUse, ImageNameError
from ipycontainer.images.ingest import note_digest
from ipycontainer.images.names import tag
from ipycontainer.oci.digest import Digest, compute
from tests.images.layouts import docker_archive, oci_members, pack
from tests.images.place import Place, own
from tests.images.tars import file, folder, tar

pytestmark = own

LOW = tar(folder("etc"), file("etc/low", b"low"))
TOP, THIRD, FOURTH = (tar(file(name)) for name in ("top", "third", "fourth"))


def test_an_image_that_loses_all_its_names_at_once_stays(place: Place):
    place.load(docker_archive((["web:latest", "web:stable", "web:old"], [LOW])))
    store = place.store
    old = store.resolve("web:old")
    known = f"docker.io/library/web@{old.digest}"
    note_digest(store.layout, Digest(old.digest), known)
    place.load(docker_archive((["web:latest", "web:stable"], [TOP])))
    assert store.resolve(old.id).names == ("web:old",)
    place.load(docker_archive((["web:old", "web:stable"], [THIRD])))
    place.load(docker_archive((["web:latest", "web:stable", "web:old"], [FOURTH])))
    found = {image.config.diff_ids[0]: image for image in store.list()}
    assert set(found) == {compute(layer) for layer in (LOW, TOP, THIRD, FOURTH)}
    assert [found[compute(layer)].names for layer in (LOW, TOP, THIRD)] == [(), (), ()]
    assert found[compute(LOW)].repo_digests == (known,)
    store.collect()
    assert (place.root / "layers" / compute(LOW).hex / "tree/etc/low").read_bytes() == b"low"


CLAIMED = f"debian@sha256:{'1' * 64}"


@pytest.mark.parametrize("name", [CLAIMED, CLAIMED.replace("@", ":12@")])
def test_no_archive_says_which_digest_its_image_has(place: Place, name: str):
    with pytest.raises(ImageNameError, match=r"gives an image the name .*a digest names itself"):
        place.load(docker_archive(([name], [LOW])))
    id = place.load(pack(oci_members(name, [LOW])))
    assert id == [place.store.list()[0].id]
    assert place.store.find(name) is None
    assert place.store.list()[0].names == ()


def test_a_digest_in_the_index_that_somebody_wrote_there_is_no_name(place: Place):
    place.load(docker_archive((["debian"], [LOW])))
    image = place.store.resolve("debian")
    assert place.store.find(f"debian@{image.digest}") == image, "the real one is"
    path = place.root / "images/index.json"
    index = json.loads(path.read_bytes())
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": CLAIMED}
    path.write_text(json.dumps(index))
    assert place.store.find(CLAIMED) is None
    assert place.store.find(image.id) is not None


def test_a_tag_that_goes_takes_the_digests_of_its_own_repository_alone(place: Place):
    place.load(docker_archive((["web:1"], [LOW])))
    store = place.store
    digest = Digest(store.resolve("web:1").digest)
    mine, other = (f"{repository}@{digest}" for repository in ("web", "localhost:5000/web"))
    for known in (mine, other):
        note_digest(store.layout, digest, known)
    for name in ("web:2", "mine:1", "mine:2"):
        tag(store, "web:1", name)
    assert store.remove("web:1") == ["Untagged: web:1"]
    assert set(store.resolve("mine:1").repo_digests) == {mine, other}
    assert store.remove("web:2") == ["Untagged: web:2", f"Untagged: {mine}"]
    assert store.resolve("mine:1").repo_digests == (other,)
    assert store.remove("mine:2") == ["Untagged: mine:2"]
    assert store.remove("mine:1")[:2] == ["Untagged: mine:1", f"Untagged: {other}"]
    assert store.list() == []


def test_a_digest_that_is_removed_takes_no_tag_along(place: Place):
    place.load(docker_archive((["web:1"], [LOW])))
    store = place.store
    image = store.resolve("web:1")
    mine, other = (f"{repository}@{image.digest}" for repository in ("web", "localhost:5000/web"))
    with pytest.raises(Conflict, match=r"was never pulled or pushed as .*; remove the names it has: web:1"):
        store.remove(mine)
    for known in (mine, other):
        note_digest(store.layout, Digest(image.digest), known)
    assert store.remove(mine, in_use=lambda: [image.id]) == [f"Untagged: {mine}"]
    left = store.resolve("web:1")
    assert (left.names, left.repo_digests) == (("web:1",), (other,))
    assert store.remove("web:1", in_use=lambda: [image.id], force=True) == ["Untagged: web:1"]
    assert store.resolve(other).id == image.id
    with pytest.raises(ImageInUse):
        store.remove(other, in_use=lambda: [image.id])
    assert store.remove(other, in_use=lambda: [image.id], force=True) == [f"Untagged: {other}"]
    assert store.resolve(image.id).repo_digests == ()
    note_digest(store.layout, Digest(image.digest), other)
    assert store.remove(other) == [f"Untagged: {other}", f"Deleted: {image.id}", f"Deleted: {compute(LOW)}"]
    assert store.list() == []
