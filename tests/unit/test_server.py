"""The launcher's loop with jobs of the tests' own: who serves whom, and who leaves the queue."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipycontainer.errors import InputError, from_wire
from ipycontainer.launcher import server, waiting
from ipycontainer.launcher.server import Server
from ipycontainer.launcher.wire import Channel


def _number(_request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    return {"pid": os.getpid()}


def _fail(_request: dict[str, Any], _descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    raise InputError(f"{os.getpid()}")


JOBS = {"brief": _number, "long": _number, "fails": _fail}


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, str]]:
    """A launcher's number and its socket; who has served waits for long, and nobody else is made ready."""
    monkeypatch.setattr(waiting, "BREATH", waiting.REST)
    monkeypatch.setattr(server, "REFILL_SECONDS", waiting.REST)
    path = str(tmp_path / "launcher")
    ready, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            brief = frozenset(("brief", "fails"))
            serving = Server(path, JOBS, brief, {}, lambda _: None, 0, lambda: None, lambda: None, 60.0)
            os.write(theirs, b"1")
            serving.serve()
        finally:
            os._exit(0)
    os.read(ready, 1)
    try:
        yield pid, path + ".sock"
    finally:
        for descriptor in (ready, theirs):
            os.close(descriptor)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def connected(path: str) -> Channel:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    found.connect(path)
    return Channel(found)


def ask(path: str, job: str) -> dict[str, Any]:
    channel = connected(path)
    channel.send({"job": job, "request": {}})
    message = channel.receive()
    channel.close()
    assert message is not None
    return message.document


def test_who_did_a_brief_job_does_the_next_one_too(launcher: tuple[int, str]):
    numbers = [ask(launcher[1], "brief")["answer"]["pid"] for _ in range(5)]
    assert len(set(numbers)) == 1 and launcher[0] not in numbers


def test_after_any_other_job_and_after_one_that_failed_somebody_else_does_it(launcher: tuple[int, str]):
    path = launcher[1]
    first = ask(path, "brief")["answer"]["pid"]
    assert ask(path, "long")["answer"]["pid"] == first
    second = ask(path, "brief")["answer"]["pid"]
    assert second != first
    assert str(from_wire(ask(path, "fails")["error"])) == str(second)
    assert ask(path, "brief")["answer"]["pid"] not in (first, second)


def test_a_client_that_says_nothing_keeps_no_queue_open(launcher: tuple[int, str]):
    """Without `await_request` others would be taken in where nobody serves them any more, and wait for ever."""
    ask(launcher[1], "brief")
    silent = connected(launcher[1])
    time.sleep(0.2)  # it is taken in meanwhile; if not, nothing is shown
    os.kill(launcher[0], signal.SIGKILL)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            connected(launcher[1]).close()
        except ConnectionRefusedError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the queue of a dead launcher is still open")
    silent.close()
