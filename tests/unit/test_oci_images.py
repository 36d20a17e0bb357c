"""Manifests, indexes, image configs, platforms."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ipycontainer.errors import DocumentError, InputError, NoSuchImage
from ipycontainer.oci import image_config, index, manifest, media_types, platform
from ipycontainer.oci.descriptor import Descriptor
from ipycontainer.oci.digest import compute
from ipycontainer.oci.document import Document
from ipycontainer.oci.platform import Platform

CONFIG = Descriptor(media_types.OCI_CONFIG, compute(b"{}"), 2)
LAYER = Descriptor(media_types.layer("gzip"), compute(b"layer"), 5)


def test_a_manifest_that_is_built_reads_back():
    built = manifest.build(CONFIG, [LAYER, LAYER], {"note": "x"})
    read = manifest.read(built.document)
    assert read == built
    assert read.layers == (LAYER, LAYER)
    assert read.annotations == {"note": "x"}


def changed(document: Document, path: list[Any], value: Any) -> Document:
    def edit(mapping: dict[str, Any]) -> None:
        place: Any = mapping
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return document.patched(edit)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (["schemaVersion"], 1, "retired schema 1"),
        (["schemaVersion"], 3, "schemaVersion must be 2"),
        (["mediaType"], media_types.OCI_INDEX, "mediaType must be that of an image manifest"),
        (["mediaType"], media_types.DOCKER_SCHEMA1[1], "retired schema 1"),
        (["manifests"], [], "a manifest and an index at once"),
        (["config"], None, "config must be an object, not missing"),
        (["layers", 0, "digest"], "sha256:xyz", r"layers\[0\]\.digest: .*lower-case hexadecimal"),
        (["layers", 0, "digest"], "sha256:../../../../etc/passwd", r"layers\[0\]\.digest"),
        (["layers", 0, "size"], -1, r"layers\[0\]\.size must be zero or more"),
        (["layers", 0, "size"], "5", r"layers\[0\]\.size must be a whole number"),
        (["layers"], {}, "layers must be a list"),
        (["annotations"], {"a": 1}, "annotations.a must be a string"),
    ],
)
def test_manifests_that_do_not_fit(path: list[Any], value: Any, sentence: str):
    with pytest.raises(DocumentError, match=sentence):
        manifest.read(changed(manifest.build(CONFIG, [LAYER]).document, path, value))


def test_more_layers_than_can_be_mounted():
    manifest.build(CONFIG, [LAYER] * 500)
    with pytest.raises(DocumentError, match="501 layers"):
        manifest.build(CONFIG, [LAYER] * 501)


def test_dockers_schema_2_is_the_same_thing():
    document = changed(manifest.build(CONFIG, [LAYER]).document, ["mediaType"], media_types.DOCKER_MANIFEST)
    assert manifest.read(document).media_type == media_types.DOCKER_MANIFEST


def test_an_index_chooses_the_platform():
    offers = [Platform("linux", "arm64"), Platform("linux", "amd64"), Platform("windows", "amd64")]
    entries = [LAYER.replace(media_type=media_types.OCI_MANIFEST, platform=offer) for offer in offers]
    attestation = entries[1].replace(annotations={index.ATTESTATION: "attestation-manifest"})
    found = index.build([attestation, *entries])
    assert index.is_index(found.document)
    assert index.read(found.document).manifests == found.manifests
    assert found.for_platform(Platform("linux", "amd64")) == entries[1]
    assert found.for_platform(platform.parse("linux/aarch64")) == entries[0]
    with pytest.raises(
        NoSuchImage, match="nothing for linux/s390x; it offers: linux/amd64, linux/arm64, windows/amd64"
    ):
        found.for_platform(platform.parse("s390x"))


@pytest.mark.parametrize(
    ("offered", "wanted", "position"),
    [
        (["linux/arm/v7", "linux/arm/v6"], "linux/arm/v7", 0),
        (["linux/arm/v5", "linux/arm/v6"], "linux/arm/v7", 0),
        (["linux/arm64/v8"], "arm64", 0),
        ([None], "amd64", 0),
        ([None, "linux/x86_64"], "amd64", 1),
    ],
)
def test_platforms_are_chosen(offered: list[str | None], wanted: str, position: int):
    parsed = [platform.parse(text) if text else None for text in offered]
    assert platform.choose(parsed, platform.parse(wanted)) == position


def test_platforms_are_written_as_go_does():
    written = {"x86_64": "linux/amd64", "linux/arm64/v8": "linux/arm64", "armhf": "linux/arm/v7", "i686": "linux/386"}
    written.update(linux=f"linux/{platform.host().architecture}", wasm="linux/wasm")
    assert {text: str(platform.parse(text)) for text in written} == written
    assert platform.host().os == "linux"
    for bad in ("", "a/b/c/d", "linux/", "linux//v8", "a b", "x"):
        with pytest.raises(InputError):
            platform.parse(bad)


SETTINGS = {"Env": ["A=b=c"], "Cmd": ["sh"], "Labels": {"k": "v"}, "Volumes": {"/data": {}}, "User": "1:2", "Later": 7}


def test_a_config_that_is_built_reads_back():
    built = image_config.build(SETTINGS, [compute(b"tar")], "2024-02-29T12:00:00.123456789Z", [{"created_by": "x"}])
    read = image_config.read(built.document)
    assert read == built
    assert read.settings == SETTINGS, "what is not known is kept"
    assert read.labels == {"k": "v"}
    assert read.diff_ids == (compute(b"tar"),)
    assert read.created_seconds == 1709208000.123456
    assert read.platform == platform.host()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0.0), ("soon", 0.0), ("0001-01-01T00:00:00Z", 0.0), ("1970-01-01T01:00:00+01:00", 0.0)],
)
def test_times(text: str, expected: float):
    assert image_config.seconds(text) == expected


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (["config", "Env"], ["A"], r"config.Env\[0\] must be NAME=VALUE, not 'A'"),
        (["config", "Env"], ["=x"], r"config.Env\[0\]"),
        (["config", "Env"], "A=b", "config.Env must be a list"),
        (["config", "Cmd"], "sh", "config.Cmd must be a list"),
        (["config", "Cmd"], [1], r"config.Cmd\[0\] must be a string"),
        (["config", "User"], 0, "config.User must be a string"),
        (["config", "Labels"], {"a": 1}, "config.Labels.a must be a string"),
        (["config", "Healthcheck"], "x", "config.Healthcheck must be an object"),
        (["config", "Healthcheck"], {"Test": 5}, "config.Healthcheck.Test must be a list"),
        (["config", "Healthcheck"], {"Interval": "x"}, "config.Healthcheck.Interval must be a whole number"),
        (["config", "Volumes"], {"/x": 1}, "config.Volumes./x must be an object"),
        (["config", "Env"], ["A=\0b"], r"config.Env\[0\] must be text without a NUL"),
        (["config", "Cmd"], ["sh", "a\0b"], r"config.Cmd\[1\] must be text without a NUL"),
        (["config", "Cmd"], [None], r"config.Cmd\[0\] must be a string, not missing"),
        (["config", "WorkingDir"], "/a\0b", "config.WorkingDir must be text without a NUL"),
        (["config", "Volumes"], {"/a\0b": {}}, "config.Volumes must be text without a NUL"),
        (
            ["config", "Healthcheck"],
            {"Test": ["CMD", "\0"]},
            r"config.Healthcheck.Test\[1\] must be text without a NUL",
        ),
        (["rootfs", "type"], "zip", "rootfs.type must be 'layers'"),
        (["rootfs", "diff_ids"], ["x"], r"rootfs.diff_ids\[0\]"),
    ],
)
def test_configs_that_do_not_fit(path: list[Any], value: Any, sentence: str):
    good = image_config.build(copy.deepcopy(SETTINGS), [compute(b"tar")], "")
    with pytest.raises(DocumentError, match=sentence):
        image_config.read(changed(good.document, path, value))
    nothing = changed(good.document, ["config"], None)
    assert image_config.read(nothing).settings == {}
