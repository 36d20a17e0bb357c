"""A Debian layer of a real image's size, made of the files of packages that are installed here: no network is asked.

    LAYOUT        an OCI layout with the image, which skopeo brings to a registry and into docker's form of archive
    layer.tar.gz  the same layer for GNU tar, compressed as docker compresses (level 6)

Written once for each run, into the run's own folder, and gone with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess

from benchmarks.peers import Missing, done, need
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LEAST = 100 << 20
_PLAIN_KIB = 300 << 10
_LARGEST_KIB = 40 << 10  # one huge file would say little about trees
_FIRST = ("required", "important", "standard")
_PIECE = 1 << 20


class Debian(Record):
    """The layer compressed, plain (to be hashed and for other sizes), and in a layout."""

    archive: str
    plain: str
    layout: str
    entries: int


def make(folder: str) -> Debian:
    """The layer and its image in `folder`; Missing where packages do not come to the least size."""
    need("dpkg-query")
    os.makedirs(folder)
    plain, archive = os.path.join(folder, "layer.tar"), os.path.join(folder, "layer.tar.gz")
    names = _names(_packages())
    command = ["tar", "-C", "/", "--no-recursion", "--numeric-owner", "--null", "-T", "-", "-cf", plain]
    packed = subprocess.run(command, input=b"\0".join(names), capture_output=True, check=False)
    if packed.returncode:
        raise Missing(f"tar could not read this machine's packages: {packed.stderr.decode(errors='replace')[-200:]}")
    with open(archive, "wb") as target:
        subprocess.run(["gzip", "-6", "-n", "-c", plain], stdout=target, check=True)
    if os.path.getsize(archive) < LEAST:
        raise Missing(f"the packages here come to {os.path.getsize(archive) >> 20} MiB; {LEAST >> 20} are wanted")
    return Debian(archive, plain, _layout(os.path.join(folder, "layout"), plain, archive), len(names))


def _packages() -> list[str]:
    """Installed packages until the size is reached: what every Debian has and what that needs first, then by name."""
    form = "${db:Status-Abbrev}\t${Priority}\t${Package}\t${binary:Package}\t${Installed-Size}\t"
    form += "${Pre-Depends},${Depends}\n"
    rows = [line.split("\t") for line in done(["dpkg-query", "-W", "-f", form]).splitlines()]
    needed = {
        word.split()[0].partition(":")[0]
        for row in rows
        if row[1] == _FIRST[0]
        for word in row[5].replace("|", ",").split(",")
        if word.strip()
    }
    found = []
    for status, priority, plain_name, name, size, _ in rows:
        if status.startswith("ii") and size.isdigit() and int(size) <= _LARGEST_KIB:
            rank = _FIRST.index(priority) if priority in _FIRST else len(_FIRST)
            found.append((0 if plain_name in needed else rank, name, int(size)))
    chosen, total = [], 0
    for _, name, size in sorted(found):
        if total > _PLAIN_KIB:
            break
        chosen.append(name)
        total += size
    return chosen


def _names(packages: list[str]) -> list[bytes]:
    """Files, folders and links of the packages, each under its real name, so that /bin stays a link."""
    names = {name for name in ("bin", "sbin", "lib", "lib64") if os.path.islink(f"/{name}")}
    for path in done(["dpkg-query", "-L", *packages]).splitlines():
        if path.startswith("/") and path != "/.":
            above, _, base = path.rpartition("/")
            real = os.path.join(os.path.realpath(above or "/"), base)
            if os.path.lexists(real) and _plain_kind(os.lstat(real).st_mode):
                names.add(real.lstrip("/"))
    return [os.fsencode(name) for name in sorted(names)]


def _plain_kind(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def digest(path: str) -> str:
    """The SHA-256 of a whole file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _layout(folder: str, plain: str, archive: str) -> str:
    """An OCI layout with one image of one layer, called `1`."""
    blobs = os.path.join(folder, "blobs", "sha256")
    os.makedirs(blobs)
    layer = digest(archive)
    os.link(archive, os.path.join(blobs, layer))

    def put(document: dict[str, Any], kind: str) -> dict[str, Any]:
        raw = json.dumps(document).encode()
        name = hashlib.sha256(raw).hexdigest()
        with open(os.path.join(blobs, name), "wb") as file:
            file.write(raw)
        return {"mediaType": f"application/vnd.oci.image.{kind}+json", "digest": f"sha256:{name}", "size": len(raw)}

    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
        "os": "linux",
        "config": {"Cmd": ["sh"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(plain)}"]},
    }
    described = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
        "digest": f"sha256:{layer}",
        "size": os.path.getsize(archive),
    }
    manifest = {"schemaVersion": 2, "config": put(config, "config.v1"), "layers": [described]}
    entry = {**put(manifest, "manifest.v1"), "annotations": {"org.opencontainers.image.ref.name": "1"}}
    with open(os.path.join(folder, "index.json"), "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 2, "manifests": [entry]}, file)
    with open(os.path.join(folder, "oci-layout"), "w", encoding="utf-8") as file:
        file.write('{"imageLayoutVersion": "1.0.0"}')
    return folder


def limit(archive: str) -> None:
    """The least that any engine has to do: decompress the layer and take both digests, as fast as is known here."""
    from isal import isal_zlib

    compressed, plain = hashlib.sha256(), hashlib.sha256()
    decompress = isal_zlib.decompressobj(31)
    with open(archive, "rb", buffering=0) as file:
        while data := file.read(_PIECE):
            compressed.update(data)
            while data:
                plain.update(decompress.decompress(data, _PIECE))
                data = decompress.unconsumed_tail
