"""Names of images in the index: given, lost, and what they may claim."""

from __future__ import annotations

from ipycontainer.images.ingest import note_digest
from ipycontainer.oci.digest import Digest, compute
from tests.images.layouts import docker_archive
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
