"""Real kernel, real processes: what a test does to itself (namespaces, users, limits) it does in a forked child."""

from __future__ import annotations

import os
import pickle
import select
import signal
import traceback

import pytest


class ChildFailed(AssertionError):
    """The child's own traceback."""


def run_in_child(function, *arguments, timeout=30.0):
    """`function(*arguments)` in a forked child; its value comes back, its exception as ChildFailed.

    The child is a process group of its own and is killed, with what it left there, when it takes too long.
    """
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.close(readable)
        try:
            answer = True, function(*arguments)
        except BaseException:  # noqa: BLE001  the child must never return into pytest
            answer = False, traceback.format_exc()
        with os.fdopen(writable, "wb") as pipe:
            pipe.write(pickle.dumps(answer))
        os._exit(0)
    os.close(writable)
    answer = b""
    try:
        while select.select([readable], [], [], timeout)[0] and (chunk := os.read(readable, 65536)):
            answer += chunk
    finally:
        os.close(readable)
        if not answer:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    if not answer:
        raise ChildFailed(f"the child answered nothing within {timeout} s (status {os.waitstatus_to_exitcode(status)})")
    fine, value = pickle.loads(answer)
    if not fine:
        raise ChildFailed(value)
    return value


@pytest.fixture
def in_child():
    return run_in_child


@pytest.fixture
def as_root():
    """For tests that need the machine's root; an ordinary user's run does not choose them (see below)."""
    assert os.geteuid() == 0


def pytest_collection_modifyitems(config, items):
    """The same things are tested as an ordinary user beside them, so nothing is skipped: they are other tests."""
    if os.geteuid() == 0:
        return
    other = [item for item in items if "as_root" in item.fixturenames]
    items[:] = [item for item in items if item not in other]
    config.hook.pytest_deselected(items=other)
