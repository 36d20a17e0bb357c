"""A registry that lies: each lie is one sentence, nothing of it is kept, and no login goes where it should not."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ipycontainer.oci.digest import compute
from tests.images.layouts import config as config_of
from tests.images.registries import Reply, Request, Server, free_port
from tests.images.tars import file, tar
from tests.personas import Persona

LAYER = tar(file("f", os.urandom(200_000)))
OCI = "application/vnd.oci.image."


class Fake:
    """One image, and whatever a test changes about it."""

    def __init__(self, layer: bytes = LAYER) -> None:
        self.blob = gzip.compress(layer)
        self.config = json.dumps(config_of([layer])).encode()
        self.manifest = self.manifest_of([self.describe("layer.v1.tar+gzip", self.blob)])
        self.before: Callable[[Request], Reply | None] = lambda _request: None
        self.serve_blob: Callable[[Request], Reply] = lambda _request: Reply(200, self.blob)
        self.server = Server(self.answer)
        self.name = f"{self.server.address}/web:1"

    @staticmethod
    def describe(kind: str, raw: bytes) -> dict[str, Any]:
        return {"mediaType": OCI + kind, "digest": str(compute(raw)), "size": len(raw)}

    def manifest_of(self, layers: list[dict[str, Any]], **more: Any) -> bytes:
        document = {
            "schemaVersion": 2,
            "mediaType": OCI + "manifest.v1+json",
            "config": self.describe("config.v1+json", self.config),
            "layers": layers,
            **more,
        }
        return json.dumps(document).encode()

    def answer(self, request: Request) -> Reply:
        changed = self.before(request)
        if changed is not None:
            return changed
        if "/manifests/" in request.path:
            return Reply(200, self.manifest, {"Content-Type": OCI + "manifest.v1+json"})
        if str(compute(self.config)) in request.path:
            return Reply(200, self.config)
        if "/blobs/" in request.path:
            return self.serve_blob(request)
        return Reply(404, b"{}")


@pytest.fixture
def fake() -> Iterator[Fake]:
    found = Fake()
    yield found
    found.server.close()


@pytest.fixture
def unchanged(persona: Persona) -> Iterator[None]:
    persona.ok("images")

    def look() -> set[str]:
        places = ("layers/*", "layers/.new-*", "images/blobs/*/*", "images/ingest/new-*")
        return {str(path) for place in places for path in persona.store.glob(place)}

    before = look()
    yield
    persona.cli("rmi", "none:1")
    assert {path for path in look() - before if "/blobs/" not in path} == set()


def refused(persona: Persona, fake: Fake, *words: str) -> str:
    done = persona.cli("pull", fake.name)
    assert done.exit_code == 1, done
    assert "Traceback" not in done.err and done.err.count("\n") == 1, done.err
    for word in words:
        assert word in done.err, done.err
    assert fake.name not in persona.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    return done.err


def test_the_honest_one_is_pulled(persona: Persona, fake: Fake):
    persona.ok("pull", fake.name)
    persona.ok("rmi", fake.name)


def test_what_is_for_another_machine_than_was_asked_for(persona: Persona, fake: Fake):
    other = "s390x"
    done = persona.cli("pull", "--platform", f"linux/{other}", fake.name)
    own = json.loads(fake.config)["architecture"]
    assert done.exit_code == 0 and done.err == (
        f"WARNING: image with reference {fake.name} was found but does not match the specified platform:"
        f" wanted linux/{other}, actual: linux/{own}\n"
    )
    assert persona.cli("pull", "-q", "--platform", f"linux/{own}", fake.name).err == ""
    persona.ok("rmi", fake.name)


def test_a_flipped_byte(persona: Persona, fake: Fake, unchanged: None):
    flipped = fake.blob[:1000] + bytes([fake.blob[1000] ^ 1]) + fake.blob[1001:]
    fake.serve_blob = lambda _request: Reply(200, flipped)
    refused(persona, fake, "damaged")


def test_a_layer_cut_off_for_ever(persona: Persona, fake: Fake, unchanged: None):
    half = fake.blob[: len(fake.blob) // 2]

    def serve(request: Request) -> Reply:
        if "Range" in request.headers:
            return Reply(416, b"")
        return Reply(200, half)

    fake.serve_blob = serve
    refused(persona, fake, "answered 416")


def test_more_than_was_promised(persona: Persona, fake: Fake, unchanged: None):
    fake.serve_blob = lambda _request: Reply(200, fake.blob + b"more")
    refused(persona, fake, "longer than")


def test_a_length_that_lies(persona: Persona, fake: Fake, unchanged: None):
    """It promises more than comes, once: what is missing is asked for, and the image is whole."""
    told = []

    def serve(request: Request) -> Reply:
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        told.append(start)
        if start == 0:
            return Reply(200, fake.blob[:50_000], length=len(fake.blob))
        where = {"Content-Range": f"bytes {start}-{len(fake.blob) - 1}/{len(fake.blob)}"}
        return Reply(206, fake.blob[start:], where)

    fake.serve_blob = serve
    persona.ok("pull", fake.name)
    assert told == [0, 50_000]
    persona.ok("rmi", fake.name)


def test_another_range_than_was_asked_for(persona: Persona, fake: Fake, unchanged: None):
    def serve(request: Request) -> Reply:
        if "Range" not in request.headers:
            return Reply(200, fake.blob[:50_000], length=len(fake.blob))
        return Reply(206, fake.blob, {"Content-Range": f"bytes 0-{len(fake.blob) - 1}/{len(fake.blob)}"})

    fake.serve_blob = serve
    refused(persona, fake, "continued at '0'")


def test_a_manifest_without_end(persona: Persona, fake: Fake, unchanged: None):
    sent = []

    def pieces() -> Iterator[bytes]:
        for _ in range(1024):
            sent.append(1)
            yield b" " * (1 << 20)

    fake.before = lambda request: Reply(200, length=1 << 30, pieces=pieces) if "/manifests/" in request.path else None
    refused(persona, fake, "more than 4194304 bytes")
    assert len(sent) < 64, "the rest of a gigabyte is not waited for"


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (lambda fake: b"[]", "not a JSON object"),
        (lambda fake: fake.manifest_of([fake.describe("layer.v1.tar+gzip", fake.blob)] * 501), "501 layers"),
        (lambda fake: fake.manifest_of([fake.describe("layer.v1.tar+gzip", fake.blob)] * 2), "diff ids"),
        (lambda fake: fake.manifest_of([], manifests=[]), "at once"),
        (lambda fake: fake.manifest_of([{"digest": "sha256:../../x", "size": 1}]), "is no digest"),
        (lambda fake: fake.manifest[:-1] + b',"schemaVersion":1}', "stands twice"),
    ],
)
def test_manifests(persona: Persona, fake: Fake, unchanged: None, manifest: Callable[[Fake], bytes], words: str):
    fake.manifest = manifest(fake)
    refused(persona, fake, words)


def test_a_digest_that_is_not_the_manifests(persona: Persona, fake: Fake, unchanged: None):
    headers = {"Docker-Content-Digest": "sha256:" + "0" * 64}
    fake.before = lambda request: Reply(200, fake.manifest, headers) if "/manifests/" in request.path else None
    refused(persona, fake, "damaged or not what it claims")


GUARD_OFF = """
from ipycontainer import Engine, errors
from ipycontainer.images.registry.client import Client
Client._headers_for = lambda self, origin, headers: headers
try:
    Engine().pull({name!r})
except errors.Error as error:
    print(error)
"""


@pytest.mark.parametrize("tags", [5, "latest", {"a": 1}, None, [1, None, ["x"]]])
def test_a_list_that_is_none(persona: Persona, fake: Fake, tags: Any):
    fake.before = lambda _request: Reply(200, json.dumps({"tags": tags}).encode())
    code = "from ipycontainer.images.registry.search import tags; print(tags({address!r}, 'web'))"
    assert persona.python(code.format(address=fake.server.address)) == []


def test_a_list_without_end(persona: Persona, fake: Fake):
    """Each page is within bounds, and names another one."""
    page = json.dumps({"tags": ["x" * 900] * 1000}).encode()

    def before(request: Request) -> Reply:
        return Reply(200, page, {"Link": f'</v2/web/tags/list?n={len(fake.server.asked)}>; rel="next"'})

    fake.before = before
    code = """
from ipycontainer.errors import RegistryError
from ipycontainer.images.registry import repository
from ipycontainer.images.registry.search import tags
repository._MOST_BYTES = {most}
try:
    print(len(tags({address!r}, "web")))
except RegistryError as error:
    print(error)
"""
    said = persona.python(code.format(address=fake.server.address, most=5_000_000))
    assert "has a list that does not end" in said and len(fake.server.asked) == 6


def _log_in(persona: Persona, fake: Fake) -> None:
    folder = persona.folder / ".docker"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"auths": {fake.server.address: {"auth": "YTpi"}}}))
    for path in (folder, folder / "config.json"):
        os.chown(path, persona.uid, persona.gid)


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """Another host, which would like to have the login."""
    challenge = {"WWW-Authenticate": 'Basic realm="give it to me"'}
    server = Server(lambda _request: Reply(401, b"{}", challenge), "127.0.0.2")
    yield server
    server.close()


def test_a_redirect_takes_no_login_along(persona: Persona, fake: Fake, elsewhere: Server, unchanged: None):
    _log_in(persona, fake)
    target = {"Location": f"http://127.0.0.2:{elsewhere.port}/blob"}
    challenge = {"WWW-Authenticate": 'Basic realm="here"'}

    def before(request: Request) -> Reply | None:
        if "Authorization" not in request.headers:
            return Reply(401, b"{}", challenge)
        return None

    fake.before = before
    fake.serve_blob = lambda _request: Reply(307, b"", target)
    refused(persona, fake, "denied")
    assert any("Authorization" in request.headers for request in fake.server.asked), "the guard would show nothing"
    assert elsewhere.asked and not any("Authorization" in request.headers for request in elsewhere.asked)
    persona.python(GUARD_OFF.format(name=fake.name))
    assert any("Authorization" in request.headers for request in elsewhere.asked), "what the guard is for"
    (persona.folder / ".docker" / "config.json").unlink()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("file:///etc/passwd", "not followed"),
        ("http://user:pass@127.0.0.2/", "not followed"),
        ("http://169.254.169.254/latest/meta-data", "an address of this machine"),
        ("http://2852039166/latest/meta-data", "an address of this machine"),
        ("http://[::ffff:169.254.169.254]/latest/meta-data", "an address of this machine"),
        ("http://\u00b969.254.\u00b969.254/latest/meta-data", "an address of this machine"),
        ("gopher://x", "not followed"),
        ("/v2/web/blobs/again", "in circles"),
        ("https://a..b/blob", "not followed"),
        (f"https://{'a' * 70}.example/blob", "not followed"),
    ],
)
def test_where_a_redirect_may_not_lead(persona: Persona, fake: Fake, unchanged: None, target: str, words: str):
    fake.serve_blob = lambda _request: Reply(307, b"", {"Location": target})
    refused(persona, fake, words)


@pytest.mark.parametrize(
    "realm", ["http://tokens.example/token", "http://169.254.169.254/t", "file:///etc/passwd", "https://a..b/", ""]
)
def test_a_realm_that_is_easy_to_listen_to(persona: Persona, fake: Fake, unchanged: None, realm: str):
    _log_in(persona, fake)
    fake.before = lambda _request: Reply(401, b"{}", {"WWW-Authenticate": f'Bearer realm="{realm}",service="x"'})
    refused(persona, fake)
    (persona.folder / ".docker" / "config.json").unlink()


@pytest.mark.parametrize("planted", ["ssl.py", "ipycontainer/__init__.py"])
def test_a_module_in_the_current_folder_is_nobodys(persona: Persona, fake: Fake, planted: str):
    """Whoever pulls in a folder that others have filled, two layers and so in processes of their own."""
    layers = [LAYER, tar(file("g", b"more"))]
    blobs = {str(compute(blob)): blob for blob in map(gzip.compress, layers)}
    fake.config = json.dumps(config_of(layers)).encode()
    fake.manifest = fake.manifest_of([fake.describe("layer.v1.tar+gzip", blob) for blob in blobs.values()])
    fake.serve_blob = lambda request: Reply(200, blobs[request.path.rpartition("/")[2]])
    mark = persona.path("here/mark")
    module = persona.path(f"here/{planted}", f"import os\nos.close(os.open({str(mark)!r}, os.O_CREAT))\n")
    persona.cli("pull", fake.name, cwd=mark.parent)
    assert not mark.exists()
    persona.ok("rmi", fake.name)
    module.unlink()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (lambda raw: Reply(200, raw[:50], length=len(raw)), "bytes are missing"),
        (lambda _raw: Reply(200, b"zz\r\n", {"Transfer-Encoding": "chunked"}), "IncompleteRead"),
        (lambda raw: Reply(200, b"", length=50, pieces=lambda: _broken_off(raw)), "bytes are missing"),
    ],
)
def test_a_document_that_breaks_off(
    persona: Persona, fake: Fake, unchanged: None, reply: Callable[[bytes], Reply], words: str
):
    fake.before = lambda request: reply(fake.manifest) if "/manifests/" in request.path else None
    refused(persona, fake, f"{fake.server.address} broke off the manifest of", words)


def _broken_off(raw: bytes) -> Iterator[bytes]:
    yield raw[:20]
    raise OSError


def test_who_cannot_be_reached_is_named(persona: Persona, fake: Fake, unchanged: None):
    where = f"localhost:{free_port()}"
    headers = {"WWW-Authenticate": f'Bearer realm="http://{where}/token",service="x"'}
    fake.before = lambda _request: Reply(401, b"{}", headers)
    refused(persona, fake, f"cannot reach http://{where}")


@pytest.mark.parametrize("address", ["a..b", f"{'a' * 70}.example", "localhost:99999", "foo bar"])
def test_what_is_no_address(persona: Persona, address: str):
    done = persona.cli("catalog", address)
    assert (done.exit_code, done.err.count("\n")) == (1, 1), done
    assert f"{address!r} is no address of a registry" in done.err


def test_busy_for_a_moment(persona: Persona, fake: Fake):
    tried = []

    def before(request: Request) -> Reply | None:
        tried.append(request.path)
        return Reply(429, b"{}", {"Retry-After": "1"}) if len(tried) == 1 else None

    fake.before = before
    persona.ok("pull", fake.name)
    assert tried[0] == tried[1]
    persona.ok("rmi", fake.name)


def test_what_it_says_cannot_command_a_terminal(persona: Persona, fake: Fake, unchanged: None):
    said = json.dumps({"errors": [{"message": "\x1b[2Jgone\nError: fine"}]}).encode()
    fake.before = lambda _request: Reply(403, said)
    assert "\x1b" not in refused(persona, fake, "gone")


def test_a_platform_and_a_header_cannot_either(persona: Persona, fake: Fake, unchanged: None):
    entry = {**fake.describe("manifest.v1+json", b"x"), "platform": {"os": "\x1b[2J", "architecture": "x"}}
    fake.manifest = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    assert "\x1b" not in refused(persona, fake, "nothing for")
    fake.manifest = fake.manifest_of([])
    headers = {"Retry-After": "\x1b[2J", "Docker-Content-Digest": "\x1b[2J"}
    fake.before = lambda _request: Reply(418, b"\x1b[2J", headers)
    assert "\x1b" not in refused(persona, fake, "answered 418")


def test_search_and_what_people_write_about_themselves(persona: Persona):
    results = [
        {"name": "alpine", "description": "small\x1b[2J\n one", "star_count": 9, "is_official": True},
        {"name": "other/alpine", "description": "x" * 100, "star_count": 1},
    ]
    server = Server(lambda _request: Reply(200, json.dumps({"results": results}).encode()))
    env = {"IPYCONTAINER_SEARCH": f"http://localhost:{server.port}"}
    lines = persona.ok("search", "alpine", env=env).splitlines()
    assert lines[0].split() == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"]
    assert lines[1].split() == ["alpine", "small", "[2J", "one", "9", "[OK]"]
    assert lines[2].split()[:2] == ["other/alpine", "x" * 44 + "…"]
    assert persona.ok("search", "-f", "is-official=true", "--format", "{{.Name}}", "alpine", env=env) == "alpine"
    assert server.asked[0].path == "/v1/search?q=alpine&n=25"
    server.close()
