"""What a pull of large layers takes of memory: the client, its helpers and the launcher's jobs, all together."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ipycontainer.images.inside.tar_writer import END, header
from tests.images.layouts import config as config_of
from tests.images.registries import Reply, Request, Server
from tests.images.tars import file
from tests.personas import Persona

MEGABYTE = 1_000_000
OCI = "application/vnd.oci.image."


class Large:
    """A layer of one file that no compressor makes smaller: the same piece, again and again, a gzip member each."""

    def __init__(self, size: int) -> None:
        piece = os.urandom(16 << 20)
        count = size // len(piece)
        entry, _ = file("large")
        entry.size = count * len(piece)
        self.plain = [header(entry), *[piece] * count, END]
        packed = gzip.compress(piece, 1)
        self.blob = [gzip.compress(header(entry)), *[packed] * count, gzip.compress(END)]
        self.length = sum(map(len, self.blob))

    @staticmethod
    def digest(pieces: Sequence[bytes]) -> str:
        made = hashlib.sha256()
        for piece in pieces:
            made.update(piece)
        return f"sha256:{made.hexdigest()}"


def served(layers: Sequence[Large]) -> Server:
    """A registry with one image of these layers."""
    blobs = {Large.digest(layer.blob): layer for layer in layers}
    document = {**config_of([]), "rootfs": {"type": "layers", "diff_ids": [Large.digest(one.plain) for one in layers]}}
    config = json.dumps(document).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI + "manifest.v1+json",
            "config": {"mediaType": OCI + "config.v1+json", "digest": Large.digest([config]), "size": len(config)},
            "layers": [
                {"mediaType": OCI + "layer.v1.tar+gzip", "digest": digest, "size": layer.length}
                for digest, layer in blobs.items()
            ],
        }
    ).encode()

    def answer(request: Request) -> Reply:
        if "/manifests/" in request.path:
            return Reply(200, manifest, {"Content-Type": OCI + "manifest.v1+json"})
        layer = blobs.get(request.path.rpartition("/")[2])
        if layer is None:
            return Reply(200, config)
        return Reply(200, length=layer.length, pieces=lambda: iter(layer.blob))

    return Server(answer)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in thread.read_text().split():
            yield from _family(int(child))


def _pss(pid: int) -> int:
    """Bytes, shared pages by their share; 0 of who is gone, and of who only waits for work."""
    try:
        if Path(f"/proc/{pid}/comm").read_text() == "ipyc-spare\n":
            return 0
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


@pytest.mark.personas("root", "user")
@pytest.mark.parametrize(("sizes", "most"), [([1000], 100), ([300] * 3, 200)], ids=["one of 1 GB", "three"])
def test_a_pull_stays_small(fresh_persona: Persona, sizes: list[int], most: int):
    persona = fresh_persona
    persona.ok("images")
    server = served([Large(size * MEGABYTE) for size in sizes])
    launcher = _launcher(persona)
    pulling: Any = persona.popen(["ipycontainer", "pull", "-q", f"{server.address}/large:1"])
    peak = 0
    try:
        while pulling.poll() is None:
            try:
                family = [*_family(pulling.pid), *(pid for pid in _family(launcher) if pid != launcher)]
            except OSError:
                continue  # one has just ended
            peak = max(peak, sum(map(_pss, family)))
            time.sleep(0.02)
        out, err = pulling.communicate()
    finally:
        server.close()
    assert pulling.returncode == 0, (out, err)
    print(f"peak PSS {peak / MEGABYTE:.0f} MB")
    assert 5 * MEGABYTE < peak < most * MEGABYTE
    persona.ok("rmi", f"{server.address}/large:1")


def _launcher(persona: Persona) -> int:
    code = (
        "from ipycontainer import Engine; engine = Engine(); engine.launcher.mode; print(engine.launcher.running_pid())"
    )
    return int(persona.python(code))
