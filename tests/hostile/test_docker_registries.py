"""pull, push, login, logout and search beside the real docker, each against a registry of its own at one address.

dockerd lives in a network of its own, so the same port of localhost is two registries: ours and its.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hostile.beside import Beside, ids_taken_out
from tests.images.registries import PASSWORD, USER, Registry, free_port, needs_registry

pytestmark = [needs_registry, pytest.mark.personas("root"), pytest.mark.timeout(300)]

LINES = """
push {r}/small:1
image push -q {r}/small:1
push {r}/small:2
push {r}/nobody:1
push -q -a {r}/small
push --disable-content-trust {r}/small:1
GONE
pull {r}/small:1
pull {r}/small:1
GONE
image pull -q {r}/small:1
GONE
pull --disable-content-trust=true -q {r}/small:1
pull -q -a {r}/small
images --format '{{.Tag}}' {r}/small
pull -q --platform linux/amd64 {r}/small:1
pull --platform nonsense/x/y/z {r}/small:1
pull --platform x {r}/small:1
pull --platform linux/arm64 {r}/small:1
run --rm --network none --platform linux/arm64 {r}/small:1 true
create --network none --platform linux/arm64 {r}/small:1 true
GONE
create --network none --platform linux/arm64 {r}/small:1 true
run --rm --network none --platform linux/arm64 {r}/nobody:1 true
pull {r}/nobody:1
pull 'BAD NAME'
"""


# What is said on the way, as it happens to go.
_PROGRESS = [
    f"ID: {state}" for state in ("Preparing", "Waiting", "Verifying Checksum", "Download complete", "Already exists")
]


def _normal(text: str) -> str:
    text = ids_taken_out(text)
    text = re.sub(r"size: \d+", "size: N", text)
    return "\n".join(dict.fromkeys(line for line in text.splitlines() if line not in _PROGRESS))


def _rows(text: str) -> str:
    """20.10's last column has gone from docker since; tags of one second come in no order."""
    return "\n".join(sorted(re.sub(" +AUTOMATED$", "", line).rstrip() for line in text.splitlines()))


def _remove(beside: Beside, *names: str) -> None:
    beside.persona.cli("rmi", "-f", *names)
    beside.daemon.run("rmi", "-f", *names)


@contextmanager
def _in_dockers_network(beside: Beside, port: int, *command: str | Path) -> Iterator[None]:
    """A server in dockerd's network, once it listens."""
    inside = ["nsenter", "--net", "--target", str(beside.daemon.network_pid)]
    subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
    with subprocess.Popen([*inside, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            look = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5).close()"
            for _ in range(100):
                if subprocess.run([*inside, sys.executable, "-c", look], capture_output=True, check=False).returncode:
                    assert server.poll() is None
                    continue
                break
            yield
        finally:
            server.kill()


@contextmanager
def _registries(beside: Beside, kind: str, folder: Path) -> Iterator[str]:
    """Two of a kind at one address."""
    registry = Registry(folder / "ours", kind)
    other = folder / "dockers"
    other.mkdir()
    config = json.loads((registry.folder / "config.yml").read_text())
    config["storage"]["filesystem"]["rootdirectory"] = str(other / "data")
    (other / "config.yml").write_text(json.dumps(config))
    try:
        with _in_dockers_network(
            beside, registry.port, str(shutil.which("docker-registry")), "serve", other / "config.yml"
        ):
            yield registry.address
    finally:
        registry.close()


def _image(beside: Beside) -> None:
    for folder in (beside.ours, beside.dockers):
        (folder / "tree").mkdir()
        (folder / "tree/f").write_text("in the tree\n" * 1000)
        subprocess.run(["tar", "-C", folder / "tree", "-cf", folder / "tree.tar", "f"], check=True)


def test_there_and_back(beside: Beside, tmp_path: Path):
    _image(beside)
    with _registries(beside, "plain", tmp_path / "registries") as address:
        names = (f"{address}/small:1", f"{address}/small:2")
        try:
            for name in names:
                beside.line(f"import {{h}}/tree.tar {name}")
            for line in filter(None, LINES.splitlines()):
                if line == "GONE":
                    _remove(beside, *names)
                else:
                    beside.line(line.replace("{r}", address), _rows if line.startswith("images") else _normal)
        finally:
            _remove(beside, *names)
    beside.end()


def test_passwords(beside: Beside, tmp_path: Path):
    _image(beside)
    with _registries(beside, "htpasswd", tmp_path / "registries") as address:
        name = f"{address}/small:1"
        try:
            beside.line(f"import {{h}}/tree.tar {name}")
            beside.line(f"push {name}", _normal)
            beside.line(f"login -u {USER} -p wrong {address}", _normal)
            beside.line(f"login -u {USER} -p '{PASSWORD}' {address}", _first)
            beside.line(f"push -q {name}", _normal)
            beside.line(f"logout {address}", _normal)
            beside.line(f"pull -q {name}", _normal)
            beside.line(f"login --username {USER} --password-stdin {address}", _first, stdin=PASSWORD.encode())
            beside.line(f"pull -q {name}", _normal)
            beside.line(f"login --password-stdin {address}", _normal, stdin=b"x")
            beside.line(f"login -p x --password-stdin -u x {address}", _normal, stdin=b"x")
            beside.line(f"logout {address}", _normal)
        finally:
            _remove(beside, name)
    beside.end()


def _first(text: str) -> str:
    """Without where the password is kept: each has its own file."""
    return "\n".join(line for line in _normal(text).splitlines() if line == "Login Succeeded")


def test_search(beside: Beside):
    port = free_port()
    script = Path(__file__).with_name("search_server.py")
    with subprocess.Popen([sys.executable, script, str(port)]) as ours:
        try:
            with _in_dockers_network(beside, port, sys.executable, script, str(port)):
                _wait(port)
                for options in (
                    "",
                    "--limit 1",
                    "--limit 2 --no-trunc",
                    "--no-trunc",
                    "-f stars=3",
                    "--filter is-official=true",
                    "--filter is-official=false",
                    "-f nonsense=1",
                    "--format '{{.Name}}: {{.StarCount}} {{.IsOfficial}} {{.Description}}'",
                    "--format 'table {{.Name}}\\t{{.StarCount}}'",
                    "--limit 1000",
                ):
                    beside.line(f"search {options} localhost:{port}/web", _rows)
        finally:
            ours.kill()
    beside.end()


def _wait(port: int) -> None:
    for _ in range(2000):
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        except OSError:
            continue
    raise AssertionError("the index did not come up")
