"""Real servers, from Debian's packages: reached over the host's loopback and from beside, their data on volumes."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import urllib.request
from collections.abc import Iterator

import pytest

from tests.life.inside import detached, state, until
from tests.personas import Persona

pytestmark = pytest.mark.timeout(300)

POSTGRES = (
    "/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main "
    "-c config_file=/etc/postgresql/15/main/postgresql.conf -c unix_socket_directories=/tmp "
    "-c listen_addresses=127.0.0.1 -c port={port}"
)
REDIS = "redis-server --bind 127.0.0.1 --dir /data --appendonly yes --port {port}"
# Its master is the container's root, and as that it serves: one account may be all there is.
NGINX = """
daemon off; user root; error_log stderr; pid /tmp/pid;
events {{}}
http {{ access_log off; server {{ listen 127.0.0.1:{port}; root /www; }} }}
"""


@pytest.fixture
def port() -> int:
    """Nobody listens on it now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
    return number


@pytest.fixture(autouse=True)
def _volumes(persona: Persona) -> Iterator[None]:
    yield
    persona.remove_containers()
    persona.cli("volume", "prune", "-f", "-a")
    persona.cli("volume", "rm", *persona.ok("volume", "ls", "-q").split())


def ask(port: int, line: bytes) -> bytes:
    """One line of redis' own protocol over the host's loopback, and its answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as there:
        there.sendall(line + b"\r\n")
        return there.recv(4096)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def answers_redis(port: int) -> bool:
    """It listens before it has read its data."""
    return listens(port) and ask(port, b"PING") == b"+PONG\r\n"


def serve(persona: Persona, image: str, port: int, command: str, *words: str) -> str:
    """A server in the host's network, once it listens."""
    options = ("--network", "host", "--stop-timeout", "10", *words)
    container = detached(persona, *options, image, *shlex.split(command.format(port=port)))
    until(lambda: listens(port), f"{command.split()[0]} listens", seconds=60)
    return container


def test_nginx_serves_what_lies_on_a_volume(persona: Persona, debian: str, port: int):
    conf = persona.path("nginx.conf", NGINX.format(port=port))
    words = ("-v", f"{conf}:/nginx.conf:ro", "-v", "www:/www", "--name", "web")
    serve(persona, debian, port, "nginx -c /nginx.conf", *words)
    persona.ok("exec", "web", "sh", "-c", "echo hello from inside > /www/page")
    url = f"http://127.0.0.1:{port}/page"
    assert urllib.request.urlopen(url, timeout=10).read() == b"hello from inside\n"
    fetch = f"import urllib.request; print(urllib.request.urlopen({url!r}).read().decode().strip())"
    beside = persona.ok("run", "--rm", "--network", "container:web", "base", "python3", "-c", fetch)
    assert beside == "hello from inside"
    persona.ok("rm", "-f", "web")
    assert not listens(port)
    serve(persona, debian, port, "nginx -c /nginx.conf", *words)
    assert urllib.request.urlopen(url, timeout=10).read() == b"hello from inside\n", "the volume outlived the container"
    assert persona.ok("stop", "web") == "web"
    assert state(persona, "web")["ExitCode"] == 0, "it was asked to end, with its own signal, and did"


def test_redis_comes_back_with_its_data(persona: Persona, debian: str, port: int):
    def is_healthy(name: str, status: str) -> bool:
        return bool(state(persona, name)["Health"]["Status"] == status)

    container = serve(persona, debian, port, REDIS, "-v", "data:/data", "--restart", "always", "--name", "store")
    assert ask(port, b"SET kept 42") == b"+OK\r\n"
    answer = persona.ok(
        "run", "--rm", "--network", "container:store", debian, "redis-cli", "-p", str(port), "get", "kept"
    )
    assert answer == "42"
    first = state(persona, container)["Pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: state(persona, container)["Pid"] not in (0, first) and answers_redis(port), "it is back")
    assert ask(port, b"GET kept") == b"$2\r\n42\r\n"
    persona.ok("rm", "-f", container)
    check = f"redis-cli -p {port} ping | grep -q PONG"
    words = ("--health-cmd", check, "--health-interval", "100ms", "--health-retries", "2")
    serve(persona, debian, port, REDIS, "-v", "data:/data", "--name", "store", *words)
    until(lambda: answers_redis(port), "it has read its data")
    until(lambda: is_healthy("store", "healthy"), "it answers its check", seconds=30)
    assert ask(port, b"CONFIG SET requirepass x") == b"+OK\r\n"
    until(lambda: is_healthy("store", "unhealthy"), "its check has no password", seconds=30)
    unlock = ("redis-cli", "-p", str(port), "-a", "x", "config", "set", "requirepass", "")
    persona.ok("exec", "store", *unlock)
    until(lambda: is_healthy("store", "healthy"), "it needs none again", seconds=30)
    assert ask(port, b"GET kept") == b"$2\r\n42\r\n", "the volume outlived the container"


@pytest.mark.personas("root", "user")  # it will not run as root, and solo has no other id
def test_postgresql_keeps_its_tables(persona: Persona, debian: str, port: int):
    words = ("-u", "postgres", "-v", "cluster:/var/lib/postgresql", "--shm-size", "64m", "--name", "tables")

    def sql(statement: str) -> str:
        command = ("psql", "-h", "/tmp", "-p", str(port), "-Atqc", statement)
        return persona.ok("exec", "-u", "postgres", "tables", *command)

    def answers() -> bool:
        probe = ("/usr/lib/postgresql/15/bin/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port))
        return persona.cli("exec", "tables", *probe).exit_code == 0

    serve(persona, debian, port, POSTGRES, *words)
    until(answers, "it answers", seconds=60)
    sql("create table kept as select generate_series(1, 1000) as number")
    persona.ok("stop", "-s", "INT", "tables")
    persona.ok("rm", "tables")
    serve(persona, debian, port, POSTGRES, *words)
    until(answers, "it answers again", seconds=60)
    assert sql("select sum(number) from kept") == "500500", "the volume outlived the container"
