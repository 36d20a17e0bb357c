"""Several platforms, mirrors, proxies, client certificates: the ways to a registry that are not the plain one."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ipycontainer.errors import AccessDenied
from ipycontainer.images.registry import upload
from ipycontainer.oci.digest import compute
from ipycontainer.oci.reference import parse
from tests.images.layouts import docker_archive
from tests.images.place import Place, own
from tests.images.registries import Registry, Reply, Request, Server, certificate, needs_registry
from tests.images.tars import file, tar
from tests.images.test_hostile_registry import Fake
from tests.personas import Persona

pytestmark = needs_registry


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    found = Registry(tmp_path_factory.mktemp("ways"), "plain")
    yield found
    found.close()


def put(registry: Registry, path: str, reference: str, raw: bytes, kind: str) -> None:
    connection = HTTPConnection("127.0.0.1", registry.port)
    connection.request("PUT", f"/v2/{path}/manifests/{reference}", raw, {"Content-Type": kind})
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()


def test_one_image_of_an_index(persona: Persona, registry: Registry):
    path = f"{persona.name}/many"
    entries = []
    for architecture in ("amd64", "arm64"):
        layer = tar(file("which", architecture.encode()))
        name = f"{registry.address}/{path}:{architecture}"
        persona.ok("load", input=docker_archive(((name,), [layer])))
        persona.ok("push", "-q", name)
        described = json.loads(persona.ok("image", "inspect", name))[0]["Descriptor"]
        entries.append({**described, "platform": {"os": "linux", "architecture": architecture}})
        persona.ok("rmi", name)
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
    raw = json.dumps(index).encode()
    put(registry, path, "all", raw, index["mediaType"])  # type: ignore[arg-type]
    name = f"{registry.address}/{path}:all"
    for platform, wanted in ((), entries[_own()]), (("--platform", "linux/arm64"), entries[1]):
        out = persona.ok("pull", *platform, name)
        assert f"Digest: {compute(raw)}" in out
        assert json.loads(persona.ok("image", "inspect", name))[0]["Descriptor"]["digest"] == wanted["digest"]
    assert persona.ok("images", "--format", "{{.Digest}}", name) == compute(raw)
    absent = persona.cli("pull", "--platform", "linux/s390x", name)
    assert absent.exit_code == 1 and "nothing for linux/s390x; it offers: linux/amd64, linux/arm64" in absent.err
    persona.ok("image", "prune", "-f")
    persona.ok("rmi", "-f", name)


def _own() -> int:
    from ipycontainer.oci.platform import host

    return ["amd64", "arm64"].index(host().architecture)


def test_a_mirror_is_asked_first_and_may_fail(persona: Persona, registry: Registry):
    path = "library/mirrored"
    name = f"{registry.address}/{path}:1"
    persona.ok("load", input=docker_archive(((name,), [tar(file("f", persona.name.encode()))])))
    persona.ok("push", "-q", name)
    persona.ok("rmi", name)
    broken = Server(lambda _request: Reply(404, b"{}"))
    mirrors = f"http://{broken.address} http://{registry.address}"
    persona.ok("pull", "-q", "mirrored:1", env={"IPYCONTAINER_REGISTRY_MIRRORS": mirrors})
    assert broken.asked
    assert persona.ok("images", "--format", "{{.Repository}}:{{.Tag}}", "mirrored") == "mirrored:1"
    persona.ok("rmi", "mirrored:1")
    broken.close()


def test_in_the_clear_on_loopback_alone(persona: Persona):
    refused = persona.cli("pull", "x:1", env={"IPYCONTAINER_REGISTRY_MIRRORS": "http://mirror.example"})
    assert "IPYCONTAINER_INSECURE_REGISTRIES" in refused.err


def test_a_proxy_from_the_environment(persona: Persona):
    """The registry's name is nobody's; only the proxy knows where it is."""
    fake = Fake()

    def answer(request: Request) -> Reply:
        where = request.path.partition("registry.example:5000")[2]
        return fake.answer(Request(request.method, where, request.headers))

    proxy = Server(answer)
    env = {
        "http_proxy": f"http://ada:a%20word@{proxy.address}",
        "IPYCONTAINER_INSECURE_REGISTRIES": "registry.example:5000",
    }
    persona.ok("pull", "-q", "registry.example:5000/web:1", env=env)
    assert all(request.path.startswith("http://registry.example:5000/") for request in proxy.asked)
    login = "Basic " + b64encode(b"ada:a word").decode()
    assert {request.headers.get("Proxy-Authorization") for request in proxy.asked} == {login}
    persona.ok("rmi", "registry.example:5000/web:1")
    proxy.close()
    fake.server.close()


def test_a_client_certificate(persona: Persona, tmp_path: Path):
    """A TLS server that asks for one, in front of an honest registry."""
    certificate(tmp_path)
    fake = Fake()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.load_verify_locations(tmp_path / "cert.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    threading.Thread(target=_serve, args=(listener, context, fake.server.port), daemon=True).start()
    certs = persona.folder / ".config" / "containers" / "certs.d" / f"localhost:{port}"
    certs.mkdir(parents=True)
    (certs / "ca.crt").write_bytes((tmp_path / "cert.pem").read_bytes())
    without = persona.cli("pull", f"localhost:{port}/web:1")
    assert without.exit_code == 1 and "Traceback" not in without.err, without
    for name, source in (("client.cert", "cert.pem"), ("client.key", "key.pem")):
        (certs / name).write_bytes((tmp_path / source).read_bytes())
    persona.ok("pull", "-q", f"localhost:{port}/web:1")
    persona.ok("rmi", f"localhost:{port}/web:1")
    listener.close()
    fake.server.close()


def _serve(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_connect, args=(near, context, port), daemon=True).start()


def _connect(near: socket.socket, context: ssl.SSLContext, port: int) -> None:
    try:
        with context.wrap_socket(near, server_side=True) as tls, socket.create_connection(("127.0.0.1", port)) as far:
            back = threading.Thread(target=_copy, args=(far, tls), daemon=True)
            back.start()
            _copy(tls, far)
            back.join(10)
    except OSError:
        pass  # a client without a certificate


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_the_store_as_it_lies_is_read_by_skopeo(persona: Persona, registry: Registry, tmp_path: Path):
    name = f"{registry.address}/{persona.name}/lies:1"
    persona.ok("load", input=docker_archive(((name,), [tar(file("f", b"x"))])))
    persona.ok("push", "-q", name)
    persona.ok("rmi", name)
    persona.ok("pull", "-q", name)
    source = f"oci:{persona.store / 'images'}:{name}"
    done = subprocess.run(["skopeo", "inspect", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    subprocess.run(["skopeo", "copy", "-q", source, f"oci:{tmp_path / 'copy'}:it"], check=True)
    persona.ok("rmi", name)


@own
def test_a_push_that_fails_sends_no_more_of_its_other_layers(place: Place, monkeypatch: pytest.MonkeyPatch):
    """A kernel lives on after a push that failed or was interrupted, and so would its threads."""
    monkeypatch.setattr(upload, "_CHUNK", 1000)
    layers = [tar(file("small")), tar(file("large", os.urandom(9000)))]
    place.load(docker_archive((["web:1"], layers)))
    small, large = (str(compute(layer)) for layer in layers)
    begun, over = threading.Event(), threading.Event()

    def answer(request: Request) -> Reply:
        if small in request.path:
            assert begun.wait(60)
            return Reply(403, b"{}")
        if request.method == "PATCH":
            begun.set()
            assert over.wait(60)
        location = {"Location": f"/v2/web/blobs/uploads/{large}"}
        return Reply(404, b"{}") if request.method == "HEAD" else Reply(202, b"", location)

    server = Server(answer)
    try:
        image = place.store.resolve("web:1")
        with pytest.raises(AccessDenied):
            upload.push(place.store, image, parse(f"{server.address}/web:1"), lambda *_: None)
        over.set()
        for thread in threading.enumerate():
            if thread.name.startswith("ThreadPoolExecutor"):
                thread.join(60)
        assert [request.method for request in server.asked].count("PATCH") == 1
        assert "PUT" not in [request.method for request in server.asked]
    finally:
        over.set()
        server.close()
