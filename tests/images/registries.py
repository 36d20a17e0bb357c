"""Registries for tests: Debian's docker-registry in four configurations, and a server that answers as it is told."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

USER, PASSWORD = "ada", "not $ecret"

needs_registry = pytest.mark.skipif(
    not (shutil.which("docker-registry") and shutil.which("htpasswd") and shutil.which("skopeo")),
    reason="needs docker-registry, htpasswd and skopeo (apt-get install docker-registry apache2-utils skopeo)",
)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Registry:
    """One docker-registry on loopback.  kind: plain, tls, htpasswd or token."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self.port = free_port()
        self.address = f"localhost:{self.port}"
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._tokens: Server | None = None
        self.withheld: set[str] = set()  # the repositories for which no token is good
        folder.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "info", "formatter": "json"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{self.port}"},
        }
        if kind in ("tls", "token"):
            certificate(folder)
        if kind == "tls":
            config["http"]["tls"] = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
        if kind == "htpasswd":
            made = ["htpasswd", "-Bbc", str(folder / "htpasswd"), USER, PASSWORD]
            subprocess.run(made, check=True, capture_output=True)
            config["auth"] = {"htpasswd": {"realm": "here", "path": str(folder / "htpasswd")}}
        if kind == "token":
            self._tokens = Server(lambda request: token(folder, request, self.withheld))
            config["auth"] = {
                "token": {
                    "realm": f"http://localhost:{self._tokens.port}/token",
                    "service": "here",
                    "issuer": "tests",
                    "rootcertbundle": str(folder / "cert.pem"),
                }
            }
        (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = ["docker-registry", "serve", str(self.folder / "config.yml")]
            # An ordinary variable of docker-registry's own: its other port must not be taken.
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self._process.poll() is None, self.log.read_text()
                time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def requests(self, method: str, part: str) -> list[dict[str, Any]]:
        """The log's lines of answered requests."""
        found = []
        for line in self.log.read_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("http.request.method") == method and part in entry.get("http.request.uri", ""):
                if "http.response.status" in entry:
                    found.append(entry)
        return found

    def close(self) -> None:
        self.kill()
        if self._tokens:
            self._tokens.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def certificate(folder: Path) -> None:
    """A self-signed one for localhost: its own authority."""
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem",
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(folder: Path, request: Request, withheld: Collection[str] = ()) -> Reply:
    """What a token server gives to who knows the password: a JWT for all that was asked for and is not withheld."""
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if request.headers.get("Authorization") != f"Basic {pair}":
        return Reply(401, b"{}")
    asked = parse_qs(urlsplit(request.path).query)
    access = []
    for scope in asked.get("scope", []):
        kind, name, actions = scope.split(":", 2)
        if name not in withheld:
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
    der = subprocess.run(
        ["openssl", "x509", "-in", "cert.pem", "-outform", "DER"], cwd=folder, check=True, capture_output=True
    ).stdout
    head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    now = int(time.time())
    claims = {
        "iss": "tests", "sub": USER, "aud": "here", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1",
        "access": access,
    }  # fmt: skip
    text = ".".join(_url64(json.dumps(part).encode()) for part in (head, claims))
    signed = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", "key.pem"], cwd=folder, input=text.encode(), check=True,
        capture_output=True,
    ).stdout  # fmt: skip
    return Reply(200, json.dumps({"token": f"{text}.{_url64(signed)}"}).encode())


class Request:
    def __init__(self, method: str, path: str, headers: dict[str, str]) -> None:
        self.method = method
        self.path = path
        self.headers = headers


class Reply:
    """length: what Content-Length says, if not the truth; pieces: a body that is made as it is sent."""

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        length: int | None = None,
        pieces: Callable[[], Any] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.length = length
        self.pieces = pieces


class Server:
    """An HTTP server on loopback that answers as `answer` says and remembers what it was asked."""

    def __init__(self, answer: Callable[[Request], Reply], host: str = "127.0.0.1") -> None:
        self.asked: list[Request] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                request = Request(self.command, self.path, dict(self.headers.items()))
                server.asked.append(request)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = answer(request)
                self.send_response(reply.status)
                length = len(reply.body) if reply.length is None else reply.length
                for name, value in {"Content-Length": str(length), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    try:
                        self.wfile.write(reply.body)
                        for piece in reply.pieces() if reply.pieces else ():
                            self.wfile.write(piece)
                    except OSError:
                        pass  # the client has seen enough
                if length != len(reply.body):
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _any

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.address = f"localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Cable:
    """A TCP way to `port`, as slow as one likes; it counts what comes back, and can be cut."""

    def __init__(self, port: int, rate: int) -> None:
        self.came = 0
        self.rate = rate
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.address = f"localhost:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                near.close()
                continue
            threading.Thread(target=self._move, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._move, args=(far, near, True), daemon=True).start()

    def _move(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        try:
            while data := source.recv(65536):
                if back:
                    self.came += len(data)
                    time.sleep(len(data) / self.rate)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def close(self) -> None:
        self._listener.close()


def random_bytes(count: int) -> bytes:
    return os.urandom(count)
