"""Archives of images for tests, in docker's old layout and in OCI's, written member by member."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any

from ipycontainer.oci.digest import compute
from tests.images.tars import Member, file, symlink, tar


def config(layers: Sequence[bytes], **settings: Any) -> dict[str, Any]:
    """An image config for these plain layers."""
    return {
        "architecture": _architecture(),
        "os": "linux",
        "created": "2024-01-02T03:04:05Z",
        "config": {"Env": ["A=b"], "Cmd": ["sh"], **settings},
        "rootfs": {"type": "layers", "diff_ids": [str(compute(layer)) for layer in layers]},
    }


def _architecture() -> str:
    from ipycontainer.oci.platform import host

    return host().architecture


def docker_members(images: Sequence[tuple[Sequence[str], Sequence[bytes]]], **settings: Any) -> list[Member]:
    """The members that docker before 25 saves for (names, plain layers): a layer seen before becomes a link."""
    members: list[Member] = []
    manifest = []
    seen: dict[bytes, str] = {}
    for number, (names, layers) in enumerate(images):
        raw = json.dumps(config(layers, **settings)).encode()
        name = f"{compute(raw).hex}.json"
        paths = []
        for layer in layers:
            path = f"{compute(f'{number} {len(paths)}'.encode()).hex}/layer.tar"
            members.append(symlink(path, f"../{seen[layer]}") if layer in seen else file(path, layer))
            seen.setdefault(layer, path)
            paths.append(path)
        members.append(file(name, raw))
        manifest.append({"Config": name, "RepoTags": list(names) or None, "Layers": paths})
    return [*members, file("manifest.json", json.dumps(manifest).encode())]


def docker_archive(*images: tuple[Sequence[str], Sequence[bytes]], **settings: Any) -> bytes:
    return tar(*docker_members(images, **settings))


def oci_members(name: str, layers: Sequence[bytes], compress: Any = gzip.compress) -> dict[str, bytes]:
    """path -> content of an OCI layout with one image."""
    blobs = [compress(layer) for layer in layers]
    raw_config = json.dumps(config(layers)).encode()
    kind = "application/vnd.oci.image."
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind + "manifest.v1+json",
        "config": _descriptor(kind + "config.v1+json", raw_config),
        "layers": [_descriptor(kind + "layer.v1.tar+gzip", blob) for blob in blobs],
        "unknown": {"kept": True},
    }
    raw_manifest = json.dumps(manifest, indent=3).encode()
    entry = _descriptor(kind + "manifest.v1+json", raw_manifest)
    if name:
        entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    index = {"schemaVersion": 2, "manifests": [entry]}
    members = {f"blobs/sha256/{compute(raw).hex}": raw for raw in (*blobs, raw_config, raw_manifest)}
    members["index.json"] = json.dumps(index).encode()
    members["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    return members


def _descriptor(media_type: str, raw: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(compute(raw)), "size": len(raw)}


def pack(members: dict[str, bytes]) -> bytes:
    return tar(*(file(path, content) for path, content in members.items()))
