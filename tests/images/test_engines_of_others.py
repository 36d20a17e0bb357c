"""Our images under podman and Debian's dockerd, theirs here: loaded, pulled, run, and the same trees."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.docker_daemon import DockerDaemon
from tests.images.registries import Registry, needs_registry
from tests.personas import Persona

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(240)]

MADE = """
mkdir -p /made && echo hello > /made/hello && ln /made/hello /made/hard && ln -s hello /made/soft
chown 12:34 /made/hello && chmod 4711 /made/hello && mkfifo /made/pipe && rm /etc/passwd && rm -r /usr/lib/terminfo
"""
COVERED = ("etc/hosts", "etc/hostname", "etc/resolv.conf", ".dockerenv", "dev", "proc", "sys", "etc/mtab")


@pytest.fixture(scope="module")
def docker(_everybody: dict[str, Persona]) -> Iterator[DockerDaemon]:
    daemon = DockerDaemon()
    yield daemon
    daemon.close()


@pytest.fixture
def ours(persona: Persona) -> Iterator[str]:
    persona.ok("run", "--name", "ours", "base", "sh", "-c", MADE, timeout=100)
    persona.ok("commit", "-c", 'CMD ["cat", "/made/soft"]', "ours", "ours:1")
    persona.ok("rm", "ours")
    yield "ours:1"
    persona.ok("rmi", "-f", "ours:1")


def tree(raw: bytes) -> dict[str, tuple[object, ...]]:
    """path -> what a tree is compared by."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        for member in archive:
            name = member.name.removeprefix("./").rstrip("/")
            if name.partition("/")[0] in COVERED or name in COVERED or not name:
                continue
            times = () if member.isdir() else (int(member.mtime),)  # a mount point touches its folder
            owner = (member.uid, member.gid, member.mode & 0o7777)
            # Which of two hard links is the file and which the link is the writer's choice.
            kind = b"0" if member.type == b"1" else member.type
            found[name] = (kind, *owner, member.linkname if member.issym() else "", *times)
    return found


def exported(persona: Persona, image: str) -> dict[str, tuple[object, ...]]:
    persona.ok("create", "--name", "exported", image, "x")
    try:
        return tree(persona.cli("export", "exported").out_bytes)
    finally:
        persona.ok("rm", "exported")


def test_docker_loads_what_we_save(persona: Persona, docker: DockerDaemon, ours: str):
    persona.ok("save", "-o", "ours.tar", ours)
    assert docker.ok("load", "-i", persona.work / "ours.tar").splitlines()[-1] == f"Loaded image: {ours}"
    assert docker.ok("run", "--rm", "--network", "none", ours) == "hello"
    id = persona.ok("images", "-q", "--no-trunc", ours)
    assert docker.ok("image", "inspect", "--format", "{{.Id}}", ours) == id
    container = docker.ok("create", "--network", "none", ours)
    theirs = tree(docker.run("export", container).stdout)
    docker.ok("rm", container)
    mine = exported(persona, ours)
    assert {
        path: (mine.get(path), theirs.get(path)) for path in mine | theirs if mine.get(path) != theirs.get(path)
    } == {}
    docker.ok("rmi", ours)


def test_what_docker_made_runs_here(persona: Persona, docker: DockerDaemon):
    docker.import_base(persona)
    docker.ok("run", "--name", "theirs", "--network", "none", "base", "sh", "-c", MADE)
    docker.ok("commit", "-c", 'CMD ["cat", "/made/soft"]', "theirs", "theirs:1")
    archive = persona.work / "theirs.tar"
    docker.ok("save", "-o", archive, "theirs:1")
    assert persona.ok("load", "-i", archive) == "Loaded image: theirs:1"
    assert persona.ok("run", "--rm", "theirs:1") == "hello"
    theirs = tree(docker.run("export", "theirs").stdout)
    mine = exported(persona, "theirs:1")
    assert {
        path: (mine.get(path), theirs.get(path)) for path in mine | theirs if mine.get(path) != theirs.get(path)
    } == {}
    docker.ok("rm", "theirs")
    docker.ok("rmi", "theirs:1")
    persona.ok("rmi", "theirs:1")


@needs_registry
def test_docker_pulls_what_we_push(persona: Persona, docker: DockerDaemon, ours: str, tmp_path: Path):
    registry = Registry(tmp_path / "registry", "plain")
    name = f"{registry.address}/ours:1"
    persona.ok("tag", ours, name)
    persona.ok("push", "-q", name)
    inside = ["nsenter", "--net", "--target", str(docker.network_pid)]
    subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
    # dockerd has a network of its own: the same registry, for the same folder, in there too.
    serve = [*inside, "docker-registry", "serve", str(registry.folder / "config.yml")]
    with subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as other:
        try:
            for _ in range(40):
                pulled = docker.run("pull", "-q", name)
                if pulled.returncode == 0:
                    break
            assert pulled.returncode == 0, pulled
            assert docker.ok("run", "--rm", "--network", "none", name) == "hello"
            docker.ok("rmi", name)
        finally:
            other.kill()
    registry.close()
    persona.ok("rmi", name)


def test_podman_runs_what_we_save_and_we_what_podman_saves(persona: Persona, ours: str):
    if not (shutil.which("podman") and shutil.which("runc")):
        pytest.skip("needs podman and runc (apt-get install podman runc)")
    with tempfile.TemporaryDirectory(prefix="ipyc-podman-", dir="/tmp") as folder:  # a short name: podman's limit is 50
        _to_podman_and_back(persona, ours, Path(folder))


def _to_podman_and_back(persona: Persona, ours: str, folder: Path) -> None:
    podman = ["podman", "--root", folder / "root", "--runroot", folder / "run", "--cgroup-manager", "cgroupfs"]
    # crun refuses this kind of machine's cgroups (v1 beside an empty v2).
    run = ["run", "--rm", "--network", "none", "--runtime", shutil.which("runc")]
    run += ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]

    def ok(*words: object) -> str:
        done = subprocess.run([str(word) for word in (*podman, *words)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
        return done.stdout.strip()

    persona.ok("save", "-o", "ours.tar", ours)
    ok("load", "-i", persona.work / "ours.tar")
    assert ok(*run, f"docker.io/library/{ours}") == "hello"
    for form in ("oci-archive", "docker-archive"):
        archive = persona.work / f"{form}.tar"
        ok("save", "--format", form, "-o", archive, f"docker.io/library/{ours}")
        before = exported(persona, ours)
        persona.ok("rmi", ours)
        persona.ok("load", "-i", archive)
        assert persona.ok("run", "--rm", ours) == "hello"
        assert exported(persona, ours) == before
    ok("rmi", "--all", "--force")
    subprocess.run(["umount", "--quiet", folder / "root" / "overlay"], check=False)
