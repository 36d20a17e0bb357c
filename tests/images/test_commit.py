"""`diff`, `commit`, `export`, `import`, as every account: what a container did becomes an image, and a tree again."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipycontainer.oci.digest import compute
from ipycontainer.oci.media_types import DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST, OCI_LAYER
from tests.images.layouts import docker_archive, oci_members, pack
from tests.images.tars import file, folder, symlink, tar
from tests.personas import Persona

CHANGE = """
set -e
mkdir -p /made/deep && echo hello > /made/hello && ln /made/hello /made/hard && ln -s hello /made/soft
printf '\\000' > "/made/ü
x" && mkfifo /made/pipe && chmod 4750 /made/hello
rm /etc/passwd && rm -r /usr/lib/locale && mkdir /usr/lib/locale && echo new > /usr/lib/locale/new
echo more >> /usr/lib/os-release
"""


@pytest.fixture
def changed(persona: Persona) -> Iterator[str]:
    persona.ok("run", "--name", "changed", "base", "sh", "-c", CHANGE, timeout=100)
    yield "changed"
    persona.ok("rm", "-f", "changed")


def test_diff(persona: Persona, changed: str):
    lines = persona.ok("diff", changed).splitlines()
    assert {"A /made", "A /made/hello", "A /made/hard", "A /made/soft", "A /made/pipe"} <= set(lines)
    assert {"C /usr", "C /usr/lib", "C /usr/lib/os-release", "D /etc/passwd", "C /etc"} - set(lines) <= {"C /usr"}
    assert "A /usr/lib/locale/new" in lines
    assert any(line.startswith("D /usr/lib/locale/") for line in lines) or "C /usr/lib/locale" in lines
    assert not any(line.endswith(("/hosts", "/hostname", "/resolv.conf")) for line in lines)
    paths = [line[2:] for line in lines if line[1:3] == " /"]
    assert paths == sorted(paths)


def under_dockers_types(name: str, layer: bytes) -> bytes:
    """An image as a registry has it that docker pushed to: schema 2, in a layout, which keeps the manifest as it is."""
    members = oci_members("", [layer])
    (entry,) = json.loads(members["index.json"])["manifests"]
    manifest = json.loads(members.pop(f"blobs/sha256/{entry['digest'][7:]}"))
    manifest["mediaType"] = DOCKER_MANIFEST
    manifest["config"]["mediaType"] = DOCKER_CONFIG
    manifest["layers"][0]["mediaType"] = f"{DOCKER_LAYER}.gzip"
    raw = json.dumps(manifest).encode()
    entry = {"mediaType": DOCKER_MANIFEST, "digest": str(compute(raw)), "size": len(raw)}
    entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    return pack({**members, f"blobs/sha256/{compute(raw).hex}": raw, "index.json": index})


@pytest.mark.skipif(not shutil.which("skopeo"), reason="needs skopeo (apt-get install skopeo)")
def test_a_commit_over_dockers_layers_is_one_of_oci(persona: Persona, tmp_path: Path):
    persona.ok("load", input=under_dockers_types("dockers:1", tar(file("f", b"x"))))
    persona.ok("create", "--name", "over", "dockers:1", "sh")
    persona.ok("commit", "over", "over:1")
    for form in ("v2s2", "oci"):
        command = [
            "skopeo",
            "copy",
            "-q",
            "--format",
            form,
            f"oci:{persona.store}/images:over:1",
            f"dir:{tmp_path}/{form}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    below, _ = json.loads((tmp_path / "oci/manifest.json").read_text())["layers"]
    shown = json.loads(persona.ok("image", "inspect", "dockers:1", "over:1"))
    before = json.loads((persona.store / "images/blobs/sha256" / shown[0]["Descriptor"]["digest"][7:]).read_text())
    assert below == {**before["layers"][0], "mediaType": f"{OCI_LAYER}+gzip"}
    persona.ok("rm", "over")
    persona.ok("rmi", "over:1", "dockers:1")


def test_a_container_that_did_nothing(persona: Persona):
    persona.ok("run", "--name", "idle", "base", "true")
    persona.ok("create", "--name", "never", "base", "true")
    assert persona.ok("diff", "idle") == persona.ok("diff", "never") == ""
    persona.ok("commit", "never", "never:1")
    assert persona.ok("run", "--rm", "never:1", "echo", "runs") == "runs"
    persona.ok("rm", "idle", "never")
    persona.ok("rmi", "never:1")


def test_a_commit_runs_and_keeps_all(persona: Persona, changed: str):
    persona.ok(
        "commit", "-a", "Ada", "-m", "a word", "-c", 'CMD ["cat", "/made/soft"]', "-c", "ENV A=b", changed, "c:1"
    )
    assert persona.ok("run", "--rm", "c:1") == "hello"
    script = (
        "echo $A; stat -c '%h %a %F' /made/hello /made/hard; test -p /made/pipe; ls /usr/lib/locale; cat /etc/passwd"
    )
    done = persona.cli("run", "--rm", "c:1", "sh", "-c", script)
    assert done.out.splitlines() == ["b", *["2 4750 regular file"] * 2, "new"] and "No such file" in done.err
    document = json.loads(persona.ok("image", "inspect", "c:1"))[0]
    assert (document["Author"], document["Comment"]) == ("Ada", "a word")
    assert persona.ok("history", "--format", "{{.Comment}}", "c:1").splitlines()[0] == "a word"
    persona.ok("commit", changed, "c:2")
    layers = [json.loads(persona.ok("image", "inspect", name))[0]["RootFS"]["Layers"] for name in ("c:1", "c:2")]
    assert layers[0] == layers[1], "a layer is the same for the same folder"
    persona.ok("rmi", "c:1", "c:2")


def test_what_the_image_owned_stays_owned(persona: Persona):
    """One mapped id cannot keep owners on disk; they are kept beside, and a copy in a container has them too."""
    layer = tar(folder("d", 0o750, uid=3, gid=4), file("d/f", b"x", uid=1000, gid=1000), symlink("bin", "usr/bin"))
    archive = docker_archive((["owned:1"], [layer]))
    persona.ok("load", input=archive)
    persona.ok("create", "--name", "owned", "owned:1", "true")
    with tarfile.open(fileobj=io.BytesIO(persona.cli("export", "owned").out_bytes)) as found:
        owners = {member.name: (member.uid, member.gid, member.mode) for member in found}
    assert owners["d"] == (3, 4, 0o750) and owners["d/f"] == (1000, 1000, 0o644)
    persona.ok("rm", "owned")
    persona.ok("rmi", "owned:1")


def test_export_and_import_make_one_layer(persona: Persona, changed: str):
    persona.ok("export", "-o", "changed.tar", changed)
    raw = (persona.work / "changed.tar").read_bytes()
    assert persona.cli("export", changed).out_bytes == raw
    id = persona.ok("import", "-c", 'CMD ["cat", "/made/hello"]', "-m", "flat", "changed.tar", "flat:1")
    assert id.startswith("sha256:") and persona.ok("run", "--rm", "flat:1") == "hello"
    assert persona.ok("import", "-", "piped:1", input=raw).startswith("sha256:")
    assert len(json.loads(persona.ok("image", "inspect", "piped:1"))[0]["RootFS"]["Layers"]) == 1
    assert "is empty" in persona.cli("import", "-", input=b"").err
    assert "is no tar archive" in persona.cli("import", "-", input=b"x" * 2000).err
    persona.ok("import", "--platform", "arm64", "changed.tar", "other:1")
    assert persona.ok("image", "inspect", "-f", "{{.Os}}/{{.Architecture}}", "other:1") == "linux/arm64"
    assert "unknown operating system" in persona.cli("import", "--platform", "x", "changed.tar").err
    persona.ok("rmi", "flat:1", "piped:1", "other:1")


@pytest.mark.personas("root")
def test_a_device_swapped_in_is_not_read(persona: Persona):
    """What is no file when it is opened is refused: a running container may put a device's node in a file's place."""
    code = """
import os
from ipycontainer.errors import StoreError
from ipycontainer.images.inside.stack import open_file
folder = os.open(os.getcwd(), os.O_RDONLY)
os.mkfifo("trap")
try:
    open_file(folder, b"trap")
except StoreError as error:
    print(error)
os.unlink("trap")
"""
    assert "became something else" in persona.python(code)


@pytest.mark.personas("root")  # umoci unpacks owners as root alone
def test_umoci_unpacks_the_same_tree(persona: Persona, changed: str, tmp_path: Path):
    if not shutil.which("umoci"):
        pytest.skip("needs skopeo and umoci (apt-get install skopeo umoci)")
    persona.ok("commit", changed, "umoci:1")
    store = f"oci:{persona.store / 'images'}:umoci:1"
    subprocess.run(["skopeo", "copy", "-q", store, f"oci:{tmp_path / 'layout'}:it"], check=True)
    bundle = tmp_path / "bundle"
    subprocess.run(["umoci", "unpack", "--image", f"{tmp_path / 'layout'}:it", bundle], check=True, capture_output=True)
    persona.ok("export", "-o", "tree.tar", changed)
    (tmp_path / "ours").mkdir()
    subprocess.run(["tar", "-xpf", persona.work / "tree.tar", "-C", tmp_path / "ours", "--numeric-owner"], check=True)

    def listing(root: Path) -> list[str]:
        form = "%P\\t%M\\t%U:%G\\t%n\\t%T@\\t%l\\n"
        out = subprocess.run(["find", root, "-mindepth", "1", "!", "-type", "d", "-printf", form], capture_output=True)
        return sorted(out.stdout.decode().splitlines())

    covered = ("etc/hosts", "etc/hostname", "etc/resolv.conf")
    ours = [line for line in listing(tmp_path / "ours") if not line.startswith(covered)]
    assert ours == listing(bundle / "rootfs")
    persona.ok("rmi", "umoci:1")


COUNTING = """
head -c 20000000 /dev/urandom > /between
echo 0 > /after; echo 0 > /a-first; i=0
while :; do i=$((i+1)); echo $i > /tmp/x; mv /tmp/x /a-first; echo $i > /tmp/x; mv /tmp/x /z-last; done
"""
"""Two files that say the same, but for an instant; a layer's writer comes to the first long before the last."""


@pytest.mark.personas("root")
def test_a_commit_stands_still_meanwhile(persona: Persona):
    persona.ok("run", "-d", "--name", "counting", "base", "sh", "-c", COUNTING)
    while persona.cli("exec", "counting", "test", "-e", "/z-last").exit_code:
        time.sleep(0.05)

    def apart(*options: str) -> int:
        """How far the last file is ahead of the first in an image made just now."""
        persona.ok("commit", *options, "counting", "still:1")
        first, last = persona.ok("run", "--rm", "still:1", "cat", "/a-first", "/z-last").split()
        persona.ok("rmi", "still:1")
        return int(last) - int(first)

    assert [apart(*options) in (0, -1) for options in ((), ("-p",))] == [True, True]
    assert apart("--no-pause") > 1, "without it the image holds what never was"
    before = persona.ok("exec", "counting", "cat", "/z-last")
    assert persona.ok("exec", "counting", "cat", "/z-last") != before, "it goes on afterwards"
    persona.ok("rm", "-f", "counting")


STANDS = """
import os, time
from ipycontainer import Engine
from ipycontainer.launcher import alive
from ipycontainer.linux import cgroups
from ipycontainer.runtime.lifecycle import standing_still
engine = Engine()
container = engine.get("counting")
leaves = alive.read(container.run_folder)["cgroups"]
def frozen():
    return cgroups.group.is_frozen(leaves)
child = os.fork()
if child == 0:
    with standing_still(engine.launcher, container.run_folder):
        os.kill(os.getpid(), 9) if frozen() else os._exit(1)
killed = os.waitpid(child, 0)[1] == 9
time.sleep(0.2)
with standing_still(engine.launcher, container.run_folder):
    inside = frozen()
print([int(killed), int(inside), int(frozen())])
"""


@pytest.mark.personas("root")
def test_who_committed_is_killed_and_it_goes_on(persona: Persona):
    persona.ok("run", "-d", "--name", "counting", "base", "sleep", "1000")
    assert persona.python(STANDS) == [1, 1, 0]
    persona.ok("rm", "-f", "counting")


@pytest.mark.personas("user", "solo")
def test_where_nothing_can_stand_still_that_is_said(persona: Persona):
    persona.ok("run", "-d", "--name", "going-on", "base", "sleep", "1000")
    freezes = persona.python("from ipycontainer import Engine; print(int(Engine().get('going-on').can_pause))")
    done = persona.cli("commit", "going-on", "going-on:1")
    assert done.exit_code == 0 and ("cannot make going-on stand still" in done.err) == (not freezes), done
    asked = persona.cli("commit", "-p", "going-on", "going-on:1")
    assert asked.exit_code == (0 if freezes else 125), asked
    assert persona.cli("commit", "--pause=false", "going-on", "going-on:1").err == ""
    persona.ok("rm", "-f", "going-on")
    persona.ok("rmi", "going-on:1")
    persona.ok("image", "prune", "-f")


@pytest.mark.skipif(not shutil.which("oci-image-tool"), reason="needs oci-image-tool (apt-get install oci-image-tool)")
def test_what_is_committed_is_valid_by_ocis_own_schemas(persona: Persona):
    """Index, manifest, config and layout of the store as it lies, as OCI's own tool checks them."""
    persona.ok("run", "--name", "valid", "base", "sh", "-c", "echo hi > /new; rm /etc/group")
    persona.ok("commit", "-a", "Ada", "-m", "a word", "-c", "EXPOSE 80", "-c", "VOLUME /data", "valid", "valid:1")
    images = persona.store / "images"
    digest = persona.ok("image", "inspect", "-f", "{{.Descriptor.digest}}", "valid:1")
    manifest = images / "blobs" / "sha256" / digest[7:]
    config = manifest.parent / json.loads(manifest.read_text())["config"]["digest"][7:]
    for kind, path, more in (
        ("imageIndex", images / "index.json", []),
        ("manifest", manifest, []),
        ("config", config, []),
        ("image", images, ["--ref", "name=valid:1"]),
    ):
        done = persona.run(["oci-image-tool", "validate", "--type", kind, *more, path])
        assert done.exit_code == 0, done
    persona.ok("rm", "valid")
    persona.ok("rmi", "valid:1")
