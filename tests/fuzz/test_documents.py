"""OCI documents, references, digests, platforms, runtime specs: read, or refused with an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.errors import DocumentError, Error
from ipycontainer.json_text import loads
from ipycontainer.linux.cgroups.layout import Layout
from ipycontainer.oci import digest, image_config, index, manifest, platform, reference, runtime_spec
from ipycontainer.oci.document import LIMIT, Document
from ipycontainer.runtime.inside.rehearsal import sample
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import plan
from tests.fuzz.some import WORDS, like, text_like

DIGEST = "sha256:" + "0" * 64
DESCRIPTOR = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST, "size": 7}
MANIFEST = {
    "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": DESCRIPTOR,
    "layers": [DESCRIPTOR], "annotations": {"a": "b"}, "subject": DESCRIPTOR,
}  # fmt: skip
INDEX = {
    "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [{**DESCRIPTOR, "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}],
}  # fmt: skip
CONFIG = {
    "created": "2026-01-01T00:00:00.5Z", "os": "linux", "architecture": "amd64",
    "config": {
        "Env": ["A=b"], "Cmd": ["sh"], "Entrypoint": ["x"], "User": "1:2", "WorkingDir": "/", "Labels": {"a": "b"},
        "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}}, "StopSignal": "TERM",
    },
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]}, "history": [{"created_by": "x", "empty_layer": True}],
}  # fmt: skip
SPEC = {
    **sample()["spec"],
    "ociVersion": "1.0.2", "root": {"path": "rootfs", "readonly": True}, "domainname": "d",
    "hooks": {"prestart": [{"path": "/bin/x", "args": ["x"], "env": ["A=b"], "timeout": 3}]},
}  # fmt: skip
READERS: dict[str, tuple[dict[str, Any], Callable[[Document], object]]] = {
    "manifest": (MANIFEST, manifest.read),
    "index": (INDEX, index.read),
    "config": (CONFIG, image_config.read),
    "runtime spec": (SPEC, runtime_spec.read),
}


def read(raw: bytes, reader: Callable[[Document], object]) -> None:
    try:
        document = Document(raw)
        reader(document)
        document.patched(lambda mapping: mapping.update(more="x"))
    except Error as error:
        assert "\n" not in str(error)
        str(error).encode()  # it can be shown


@pytest.mark.parametrize("kind", READERS)
def test_documents(kind: str):
    shape, reader = READERS[kind]
    reader(Document.build(shape))

    @given(text_like(shape))
    def each(raw: bytes) -> None:
        read(raw, reader)

    each()


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":2}', '{"a":NaN}', '{"a":1e999}', '{"a":"\\ud800"}', "[]", "", '{"a":', "{}x"]
)
def test_what_no_document_may_be(text: str):
    with pytest.raises(DocumentError):
        Document(text.encode())


def test_depth_and_size():
    for raw in (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"a":"' + b"x" * LIMIT + b'"}'):
        with pytest.raises(DocumentError):
            Document(raw)


@given(WORDS | st.from_regex(r"[a-z.:/@_-]{0,30}"))
def test_references_digests_platforms(text: str):
    for reader in (reference.parse, reference.normalise, digest.parse, platform.parse):
        try:
            reader(text)
        except Error as error:
            assert "\n" not in str(error)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_json_text(text: str | bytes):
    try:
        loads(text)
    except ValueError:
        pass


HOST = Host("root", ((0, 0, 1 << 32),), ((0, 0, 1 << 32),), Layout("none"), 40, "boot")


@given(like(SPEC))
def test_a_spec_becomes_a_plan_or_is_refused(spec: Any):
    """What composes specs is ours, but `container.jsonl` and slots hand them on as they lie."""
    try:
        checked = runtime_spec.build(spec if isinstance(spec, dict) else {"process": spec})
        plan(Launch.from_dict({**sample(), "spec": checked.document.mapping()}), HOST)
    except Error:
        pass
    except (TypeError, ValueError) as error:
        # Before it is a document it has to be JSON at all.
        assert "JSON" in str(error) or "surrogates" in str(error) or "float" in str(error), error
