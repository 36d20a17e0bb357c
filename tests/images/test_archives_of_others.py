"""Images that skopeo and umoci wrote are loaded and run, and they read our store as it lies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.personas import Persona

pytestmark = pytest.mark.skipif(
    not (shutil.which("skopeo") and shutil.which("umoci")),
    reason="needs skopeo and umoci (apt-get install skopeo umoci)",
)

PRINT = "%P\\t%M\\t%U:%G\\t%n\\t%T@\\t%l\\n"


def tool(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


class Made:
    """An image that umoci made in three layers: base's two, and one with all that a layer can say."""

    def __init__(self, folder: Path, base: str) -> None:
        self.layout = folder / "layout"
        tool("skopeo", "copy", "-q", base, f"oci:{self.layout}:made")
        self.bundle = folder / "bundle"
        rootless = [] if os.geteuid() == 0 else ["--rootless"]
        tool("umoci", "unpack", *rootless, "--image", f"{self.layout}:made", self.bundle)
        self.tree = self.bundle / "rootfs"
        self._change()
        tool("umoci", "repack", "--refresh-bundle", "--image", f"{self.layout}:made", self.bundle)
        tool("umoci", "config", "--image", f"{self.layout}:made", "--config.env", "MADE=by umoci")

    def _change(self) -> None:
        tree = self.tree
        (tree / "made").mkdir()
        (tree / "made" / "hello").write_text("hello\n")
        os.link(tree / "made" / "hello", tree / "made" / "hard")
        (tree / "made" / "soft").symlink_to("/made/hello")
        (tree / "made" / ("long" * 40)).write_text("long\n")
        (tree / "made" / "ü\n").write_text("")
        (tree / "made" / "secret").write_text("")
        os.mkfifo(tree / "made" / "pipe")
        os.utime(tree / "made" / "hello", ns=(0, 1_234_567_890 * 10**9))
        (tree / "etc" / "os-release").unlink()
        shutil.rmtree(tree / "usr" / "lib" / "locale", ignore_errors=True)
        shutil.rmtree(tree / "var" / "log")
        (tree / "var" / "log").mkdir()
        (tree / "var" / "log" / "new").write_text("")
        if os.geteuid() == 0:
            os.chown(tree / "made" / "secret", 1000, 1000)
            os.setxattr(tree / "made" / "hello", "user.note", b"kept")
        (tree / "made" / "secret").chmod(0o4710)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, _everybody: dict[str, Persona]) -> Made:
    persona = next(person for person in _everybody.values() if person.uid == os.geteuid())
    persona.ok("run", "--rm", "base", "true", timeout=100)
    return Made(tmp_path_factory.mktemp("made"), f"oci:{persona.store}/images:base:latest")


@pytest.fixture(scope="module")
def archives(made: Made, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("archives")
    found = {name: folder / f"{name}.tar" for name in ("docker", "oci", "zstd")}
    source = f"oci:{made.layout}:made"
    tool("skopeo", "copy", "-q", source, f"docker-archive:{found['docker']}:made/docker:1")
    tool("skopeo", "copy", "-q", source, f"oci-archive:{found['oci']}:made/oci:1")
    tool("skopeo", "copy", "-q", "--dest-compress-format=zstd", source, f"oci:{folder}/zstd:made/zstd:1")
    with tarfile.open(found["zstd"], "w") as archive:
        archive.add(folder / "zstd", ".")
    return found


@pytest.fixture
def images_gone(persona: Persona) -> Iterator[None]:
    """Fails unless the store holds the same layers and blobs afterwards."""

    def look() -> set[str]:
        kept = [
            *persona.store.glob("layers/*"),
            *persona.store.glob("images/blobs/*/*"),
            *persona.store.glob("images/ingest/*"),
        ]
        return {str(path) for path in kept}

    persona.ok("run", "--rm", "base", "true", timeout=100)
    before = look()
    yield
    assert look() == before


@pytest.mark.parametrize("kind", ["docker", "oci", "zstd"])
def test_load_run_remove(persona: Persona, archives: dict[str, Path], images_gone: None, kind: str):
    name = f"made/{kind}:1"
    archive = persona.path(f"{kind}.tar", archives[kind].read_bytes())
    assert persona.ok("load", "-i", archive) == f"Loaded image: {name}"
    assert (
        persona.ok("run", "--rm", name, "sh", "-c", "cat /made/soft; ls /var/log; echo $MADE") == "hello\nnew\nby umoci"
    )
    assert not persona.cli("run", "--rm", name, "cat", "/etc/os-release").out
    tree = persona.ok("run", "--rm", name, "sh", "-c", f"find /made -printf '{PRINT}'")
    secret = next(line for line in tree.splitlines() if line.startswith("secret\t")).split("\t")
    assert secret[1] == "-rws--x---"
    assert secret[2] == ("0:0" if persona.name == "solo" or os.geteuid() else "1000:1000")
    lines = persona.ok("rmi", name).splitlines()
    assert lines[0] == f"Untagged: {name}"
    assert len([line for line in lines if line.startswith("Deleted: sha256:")]) == 2, "the layers of base stay"
    archive.unlink()


@pytest.mark.personas("root")
def test_the_tree_is_the_one_that_umoci_unpacks(
    persona: Persona, made: Made, archives: dict[str, Path], tmp_path: Path
):
    persona.ok("load", "-i", archives["oci"])
    tool("umoci", "unpack", "--image", f"{made.layout}:made", tmp_path / "bundle")
    where = ["bin", "etc", "home", "lib", "made", "mnt", "opt", "root", "sbin", "srv", "tmp", "usr", "var"]
    bound = ["hostname", "hosts", "resolv.conf", "mtab"]
    find = f"find {' '.join(where)} -path 'etc/{bound[0]}' -o -printf '{PRINT}'"
    theirs = tool("sh", "-c", f"cd {tmp_path}/bundle/rootfs && {find}")
    ours = persona.ok("run", "--rm", "-w", "/", "made/oci:1", "sh", "-c", find)

    def comparable(text: str) -> list[str]:
        rows = [line.split("\t") for line in text.splitlines()]
        # Times of folders that the runtime's own bind mounts touch differ, and so do links counted by the overlay.
        kept = [row for row in rows if row[0] not in ("", *bound)]
        return sorted("\t".join([*row[:3], row[3] if row[1:2] and row[1][0] != "d" else "", *row[4:]]) for row in kept)

    assert comparable(ours) == comparable(theirs)
    persona.ok("rmi", "made/oci:1")


def test_from_standard_input(persona: Persona, archives: dict[str, Path], images_gone: None):
    raw = archives["docker"].read_bytes()
    assert persona.ok("load", input=raw) == "Loaded image: made/docker:1"
    packed = subprocess.run(["gzip", "-1"], input=raw, capture_output=True, check=True).stdout
    assert persona.ok("load", input=packed) == "Loaded image: made/docker:1"
    persona.ok("rmi", "made/docker:1")


def test_damaged_archives(persona: Persona, archives: dict[str, Path], images_gone: None):
    raw = archives["docker"].read_bytes()  # its layers are plain
    at = raw.index(b"hello\n")
    for content, sentence in (
        (raw[:at] + b"jello\n" + raw[at + 6 :], "its digest is"),
        (raw[: len(raw) // 2], "ends in the middle"),
        (b"#!/bin/sh\n" * 100, "no tar archive"),
    ):
        done = persona.cli("load", input=content)
        assert done.exit_code != 0
        assert sentence in done.err
        assert len(done.err.strip().splitlines()) == 1, done
    assert "made" not in persona.ok("images")


def test_others_read_our_store_as_it_lies(persona: Persona, tmp_path: Path):
    persona.ok("run", "--rm", "base", "true", timeout=100)
    said = json.loads(tool("skopeo", "inspect", f"oci:{persona.store}/images:base:latest"))
    assert said["Labels"]["ipycontainer.made-from-host"] == "true"
    assert len(said["Layers"]) == 2
    assert tool("umoci", "ls", "--layout", persona.store / "images").split() == ["base:latest"]
    tool(
        "skopeo",
        "copy",
        "-q",
        f"oci:{persona.store}/images:base:latest",
        f"docker-archive:{tmp_path}/base.tar:copied:1",
    )
    persona.path("base.tar", (tmp_path / "base.tar").read_bytes())
    assert persona.ok("load", "-i", "base.tar") == "Loaded image: copied:1"
    assert persona.ok("run", "--rm", "copied:1", "echo", "same") == "same"
    assert persona.ok("rmi", "copied:1") == "Untagged: copied:1", "it is the very image, under another name"


def test_what_others_write_into_our_store_runs(fresh_persona: Persona, made: Made):
    persona = fresh_persona
    persona.ok("run", "--rm", "base", "true", timeout=100)
    copied = persona.path("layout")
    shutil.copytree(made.layout, copied)
    for path in (copied, *copied.rglob("*")):
        os.chown(path, persona.uid, persona.gid)
    persona.run(["skopeo", "copy", "-q", f"oci:{copied}:made", f"oci:{persona.store}/images:theirs:1"])
    assert persona.ok("run", "--rm", "theirs:1", "cat", "/made/hello") == "hello"
    assert sorted(persona.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()) == ["base:latest", "theirs:1"]


def test_two_first_users_make_base_once(fresh_persona: Persona):
    both = [fresh_persona.popen(["ipycontainer", "run", "--rm", "base", "echo", "hi"]) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=100)
        assert (process.returncode, out) == (0, b"hi\n"), err
    assert len(list(fresh_persona.store.glob("layers/*"))) == 2
    assert not list(fresh_persona.store.glob("images/ingest/*"))
    assert fresh_persona.ok("images", "-q").count("\n") == 0
