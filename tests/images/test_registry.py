"""`pull`, `push`, `login` and `run` against Debian's docker-registry, as every account."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.images.layouts import docker_archive
from tests.images.registries import PASSWORD, USER, Cable, Registry, needs_registry, random_bytes
from tests.images.tars import file, folder, tar
from tests.personas import Persona

pytestmark = needs_registry

LOWER = tar(folder("d"), file("d/f", b"content" * 1000), file("d/owned", b"x", uid=7, gid=8))
UPPER = tar(folder("d"), file("d/g", b"more"), file("d/.wh.f"))


def start(tmp_path_factory: pytest.TempPathFactory, kind: str) -> Iterator[Registry]:
    registry = Registry(tmp_path_factory.mktemp(kind), kind)
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    yield from start(tmp_path_factory, "plain")


@pytest.fixture
def image(persona: Persona) -> Iterator[str]:
    persona.ok("load", input=docker_archive((["made:1"], [LOWER, UPPER])))
    yield "made:1"
    persona.ok("rmi", "-f", "made:1")


def digest_of(persona: Persona, name: str) -> str:
    found: str = json.loads(persona.ok("image", "inspect", name))[0]["Descriptor"]["digest"]
    return found


def test_there_and_back(persona: Persona, plain: Registry, image: str):
    name = f"{plain.address}/{persona.name}/web:1"
    persona.ok("tag", image, name)
    out = persona.ok("push", name).splitlines()
    assert out[0] == f"The push refers to repository [{name.rpartition(':')[0]}]"
    digest = digest_of(persona, name)
    assert out[-1].startswith(f"1: digest: {digest} size: ")
    assert {line.partition(": ")[2] for line in out[1:-1]} == {"Pushed"}
    assert {line.partition(": ")[2] for line in persona.ok("push", name).splitlines()[1:-1]} == {"Layer already exists"}
    other = name.replace("/web", "/other")
    persona.ok("tag", name, other)
    assert any("Mounted from" in line for line in persona.ok("push", other).splitlines())
    persona.ok("rmi", "-f", persona.ok("images", "-q", name))
    lines = persona.ok("pull", name).splitlines()
    assert lines[0] == f"1: Pulling from {persona.name}/web"
    assert sum(line.endswith(": Pull complete") for line in lines) == 2
    assert lines[-3:] == [f"Digest: {digest}", f"Status: Downloaded newer image for {name}", name]
    assert f"Status: Image is up to date for {name}" in persona.ok("pull", name)
    assert digest_of(persona, name) == digest
    assert persona.ok("images", "--format", "{{.Digest}}", name) == digest
    by_digest = f"{name.rpartition(':')[0]}@{digest}"
    persona.ok("rmi", name)
    persona.ok("pull", "-q", by_digest)
    assert persona.ok("image", "inspect", "-f", "{{index .RepoDigests 0}}", by_digest) == by_digest
    persona.ok("rmi", "-f", by_digest)
    assert f"{persona.name}/web" in persona.ok("catalog", plain.address).split()
    assert persona.ok("catalog", name.rpartition(":")[0]) == name


def test_what_skopeo_wrote_keeps_its_digest(persona: Persona, plain: Registry, image: str, tmp_path: Path):
    archive = tmp_path / "made.tar"
    archive.write_bytes(persona.cli("save", image).out_bytes)
    name = f"{plain.address}/{persona.name}/docker:1"
    copy = ["skopeo", "copy", "-q", "--format", "v2s2", "--dest-tls-verify=false"]
    subprocess.run([*copy, f"docker-archive:{archive}", f"docker://{name}"], check=True)
    inspect = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}"]
    theirs = subprocess.run([*inspect, f"docker://{name}"], capture_output=True, text=True, check=True).stdout.strip()
    persona.ok("pull", "-q", name)
    again = name.replace("docker:1", "again:1")
    persona.ok("tag", name, again)
    persona.ok("push", "-q", again)
    ours = subprocess.run([*inspect, f"docker://{again}"], capture_output=True, text=True, check=True).stdout.strip()
    assert ours == theirs
    persona.ok("rmi", name)
    persona.ok("rmi", again)


def test_run_pulls_what_is_absent(persona: Persona, plain: Registry):
    name = f"{plain.address}/{persona.name}/base:1"
    persona.ok("tag", "base", name, timeout=100)
    warned = persona.cli("push", name)
    assert warned.exit_code == 0 and "files of this very machine" in warned.err
    persona.ok("rmi", name)
    absent = name.replace("base:1", "absent:1")
    done = persona.cli("run", "--rm", absent, "true")
    assert done.exit_code == 125 and f"Unable to find image '{absent}' locally" in done.err
    never = persona.cli("run", "--pull", "never", "--rm", name, "true")
    assert never.exit_code == 125 and "Pulling" not in never.err
    done = persona.cli("run", "--rm", name, "echo", "hi")
    assert done.out == "hi\n", done
    assert done.err.splitlines()[:2] == [
        f"Unable to find image '{name}' locally",
        f"1: Pulling from {persona.name}/base",
    ]
    persona.ok("rmi", name)


@pytest.mark.personas("user")
@pytest.mark.parametrize("layers", [1, 2], ids=["here", "in processes of their own"])
def test_ids_that_this_user_does_not_have(persona: Persona, plain: Registry, tmp_path: Path, layers: int):
    """Refused in a sentence, or with --ignore-ids given to root and said so; the blob stays as it came."""
    archive = tmp_path / "foreign.tar"
    made = [tar(file(f"f{number}", b"x", 0o4755, uid=70_000 + number)) for number in range(layers)]
    archive.write_bytes(docker_archive((["foreign:1"], made)))
    name = f"{plain.address}/foreign{layers}:1"
    copy = ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"docker-archive:{archive}", f"docker://{name}"]
    subprocess.run(copy, check=True)
    refused = persona.cli("pull", name)
    assert refused.exit_code == 1 and "which is outside the ids that this user has" in refused.err, refused
    assert "--ignore-ids" in refused.err and refused.err.count("\n") == 1
    done = persona.cli("pull", "--ignore-ids", name)
    assert done.exit_code == 0 and f"WARNING: {layers} names of " in done.err, done
    persona.ok("push", "-q", name)
    persona.ok("rmi", name)


RUN_IT = """
from ipycontainer import Engine, errors
engine, said = Engine(), []
def attempt(**options):
    try:
        return engine.run({name!r}, ["echo", "hi"], remove=True, **options).text
    except errors.Error as error:
        return f"{{type(error).__name__}}: {{error}}"
never, wrong = attempt(pull="never"), attempt(pull="sometimes")
first = attempt()
created = engine.create(RunRequest(image={name!r}), pull="always", tell=lambda *seen: said.append(seen[1]))
created.remove()
print(json.dumps([never, wrong, first, sorted(set(said))]))
"""


def test_an_engine_pulls_what_is_absent(persona: Persona, plain: Registry):
    """`Engine.run` and `Engine.create` do what the verb does."""
    name = f"{plain.address}/{persona.name}/engine:1"
    persona.ok("tag", "base", name, timeout=100)
    persona.ok("push", "-q", name)
    persona.ok("rmi", name)
    imports = "import json\nfrom ipycontainer.engine.request import RunRequest\n"
    never, wrong, first, said = persona.python(imports + RUN_IT.format(name=name))
    assert never.startswith(f"NoSuchImage: Unable to find image '{name}' locally"), never
    assert wrong == "InputError: invalid pull option: 'sometimes': must be one of always, missing or never"
    assert first == "hi\n" and said == ["Already exists"]
    persona.ok("rmi", name)


@pytest.mark.parametrize("kind", ["tls", "htpasswd", "token"])
def test_guarded_registries(persona: Persona, image: str, kind: str, tmp_path_factory: pytest.TempPathFactory):
    for registry in start(tmp_path_factory, kind):
        name = f"{registry.address}/web:1"
        persona.ok("tag", image, name)
        if kind == "tls":
            _trust(persona, registry, name)
        else:
            _log_in(persona, registry, name)
        persona.ok("push", "-q", name)
        persona.ok("rmi", name)
        persona.ok("pull", "-q", name)
        if kind != "tls":
            persona.ok("logout", registry.address)
            assert "denied" in persona.cli("pull", name).err
        persona.ok("rmi", name)


def _trust(persona: Persona, registry: Registry, name: str) -> None:
    refused = persona.cli("push", name)
    assert refused.exit_code == 1, refused
    certs = persona.folder / ".config" / "containers" / "certs.d" / registry.address
    certs.mkdir(parents=True)
    wrong = persona.cli("push", name)
    assert "is not trusted" in wrong.err and "certs.d" in wrong.err, wrong
    (certs / "ca.crt").write_bytes((registry.folder / "cert.pem").read_bytes())


def _log_in(persona: Persona, registry: Registry, name: str) -> None:
    assert "denied" in persona.cli("push", name).err
    bad = persona.cli("login", "-u", USER, "--password-stdin", registry.address, input="wrong")
    assert bad.exit_code == 1 and "refused" in bad.err, bad
    assert "give --username NAME, or answer" in persona.cli("login", registry.address).err
    done = persona.cli("login", "-u", USER, "--password-stdin", registry.address, input=PASSWORD + "\n")
    assert done.out == "Login Succeeded\n" and "stored unencrypted" in done.err
    config = persona.folder / ".docker" / "config.json"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert json.loads(config.read_text())["auths"][registry.address] == {"auth": pair}


def test_a_mount_where_tokens_are_asked_for(persona: Persona, image: str, tmp_path_factory: pytest.TempPathFactory):
    """It takes a token for both repositories; who may not read the other one sends the layers."""
    for registry in start(tmp_path_factory, "token"):
        names = [f"{registry.address}/{path}:1" for path in ("web", "mounted", "sent")]
        for name in names:
            persona.ok("tag", image, name)
        _log_in(persona, registry, names[0])
        states = []
        for name, withheld in zip(names, (set[str](), set[str](), {"web", "mounted"})):
            registry.withheld = withheld
            states.append({line.partition(": ")[2] for line in persona.ok("push", name).splitlines()[1:-1]})
        assert states == [{"Pushed"}, {"Mounted from web"}, {"Pushed"}]
        persona.ok("logout", registry.address)
        for name in names:
            persona.ok("rmi", name)


def test_a_credential_helper(persona: Persona, image: str, tmp_path_factory: pytest.TempPathFactory):
    helper = persona.path(
        "bin/docker-credential-memory",
        '#!/bin/sh\nin=$(cat)\ncase $1 in\nstore) echo "$in" > "$HOME/kept" ;;\nerase) rm "$HOME/kept" ;;\n'
        'get) [ -f "$HOME/kept" ] || { echo credentials not found in native keychain; exit 1; }; cat "$HOME/kept" ;;\n'
        "esac\n",
        0o755,
    )
    config = persona.folder / ".docker" / "config.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text('{"credsStore": "memory", "unknown": {"kept": true}}')
    for path in (config.parent, config):
        os.chown(path, persona.uid, persona.gid)
    env = {"PATH": f"{helper.parent}:{persona.environment['PATH']}"}
    for registry in start(tmp_path_factory, "htpasswd"):
        name = f"{registry.address}/web:1"
        persona.ok("tag", image, name)
        done = persona.cli("login", "-u", USER, "-p", PASSWORD, registry.address, env=env)
        assert done.exit_code == 0 and "unencrypted" not in done.err, done
        persona.ok("push", "-q", name, env=env)
        written = json.loads(config.read_text())
        assert PASSWORD not in config.read_text() and written["unknown"] == {"kept": True}
        persona.ok("logout", registry.address, env=env)
        assert "denied" in persona.cli("push", name, env=env).err
        persona.ok("rmi", name)
    config.unlink()


def test_a_registry_that_is_killed_midway_and_started_again(persona: Persona, tmp_path_factory: pytest.TempPathFactory):
    size = 8 << 20
    for registry in start(tmp_path_factory, "plain"):
        name = f"{registry.address}/big:1"
        persona.ok("load", input=docker_archive((["big:1"], [tar(file("big", random_bytes(size)))])))
        persona.ok("tag", "big:1", name)
        persona.ok("push", "-q", name)
        persona.ok("rmi", "-f", persona.ok("images", "-q", "big:1"))
        cable = Cable(registry.port, 4 << 20)
        slow = f"{cable.address}/big:1"
        pulling = persona.popen(["ipycontainer", "pull", slow])
        _until_came(cable, size // 3)
        registry.kill()
        registry.start()
        out, err = pulling.communicate(timeout=60)
        assert pulling.returncode == 0, (out, err)
        assert cable.came <= 1.05 * size, cable.came / size
        assert 206 in [entry["http.response.status"] for entry in registry.requests("GET", "/blobs/")]
        cable.close()
        persona.ok("rmi", slow)


def _until_came(cable: Cable, count: int) -> None:
    deadline = time.monotonic() + 30
    while cable.came < count:
        assert time.monotonic() < deadline, cable.came
        time.sleep(0.002)


@contextmanager
def shared_image(persona: Persona, registry: Registry, rate: int) -> Iterator[tuple[Cable, str, list[str]]]:
    """An image of three layers behind a slow line: the line, the image's name there, the digests of its layers."""
    layers = [tar(file(f"f{number}", random_bytes(2 << 20))) for number in range(3)]
    name = f"{registry.address}/shared:1"
    persona.ok("load", input=docker_archive((["shared:1"], layers)))
    persona.ok("tag", "shared:1", name)
    persona.ok("push", "-q", name)
    digest = digest_of(persona, name)
    manifest = json.loads((persona.store / "images" / "blobs" / "sha256" / digest[7:]).read_text())
    persona.ok("rmi", "-f", persona.ok("images", "-q", "shared:1"))
    cable = Cable(registry.port, rate)
    slow = f"{cable.address}/shared:1"
    yield cable, slow, [layer["digest"] for layer in manifest["layers"]]
    cable.close()
    persona.ok("rmi", slow)


def fetched(registry: Registry, digests: list[str]) -> list[int]:
    """How often the registry says that it gave each of these blobs."""
    asked = [entry["http.request.uri"].rpartition("/")[2] for entry in registry.requests("GET", "/blobs/sha256")]
    return [asked.count(digest) for digest in digests]


def test_eight_pull_one_image_and_each_layer_comes_once(persona: Persona, tmp_path_factory: pytest.TempPathFactory):
    for registry in start(tmp_path_factory, "plain"):
        with shared_image(persona, registry, 8 << 20) as (_, slow, digests):
            pulls = [persona.popen(["ipycontainer", "pull", "-q", slow]) for _ in range(8)]
            for pulling in pulls:
                out, err = pulling.communicate(timeout=100)
                assert pulling.returncode == 0, (out, err)
            assert fetched(registry, digests) == [1, 1, 1]
            assert persona.ok("system", "check").endswith("the store is in order")


def test_the_downloader_is_killed_midway_and_a_waiter_goes_on(
    persona: Persona, tmp_path_factory: pytest.TempPathFactory
):
    for registry in start(tmp_path_factory, "plain"):
        with shared_image(persona, registry, 2 << 20) as (cable, slow, digests):
            downloader = persona.popen(["ipycontainer", "pull", "-q", slow])
            _until_came(cable, 1 << 20)
            waiters = [persona.popen(["ipycontainer", "pull", slow]) for _ in range(7)]
            _until_came(cable, 2 << 20)
            downloader.kill()
            for pulling in waiters:
                out, err = pulling.communicate(timeout=100)
                assert pulling.returncode == 0, (out, err)
            downloader.wait()
            # What the killed one had under way came twice, and nothing more often: seven waited for one.
            assert all(1 <= count <= 2 for count in fetched(registry, digests)), fetched(registry, digests)
            assert persona.ok("system", "check").endswith("the store is in order")
