"""Real kernel, real processes: what a test does to itself (namespaces, users, limits) it does in a forked child."""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import tempfile
import time
import traceback

import pytest

from ipycontainer.linux import idmaps, mounts, namespaces, prctl, trees


class ChildFailed(AssertionError):
    """The child's own traceback."""


def run_in_child(function, *arguments, timeout=30.0):
    """`function(*arguments)` in a forked child; its value comes back, its exception as ChildFailed.

    The child leads a process group of its own, which is killed at the end: what it forked goes with it.
    """
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        try:
            answer = True, function(*arguments)
        except BaseException:  # noqa: BLE001  the child must never return into pytest
            answer = False, traceback.format_exc()
        text = pickle.dumps(answer)
        os.write(writable, struct.pack("Q", len(text)) + text)
        os._exit(0)
    os.close(writable)
    try:
        text = _answer(readable, time.monotonic() + timeout)
    finally:
        os.close(readable)
        for kill in (os.killpg, os.kill):
            try:
                kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        _, status = os.waitpid(pid, 0)
    if text is None:
        raise ChildFailed(f"the child answered nothing in {timeout} s (status {os.waitstatus_to_exitcode(status)})")
    fine, value = pickle.loads(text)
    if not fine:
        raise ChildFailed(value)
    return value


def _answer(readable, end):
    """The child's answer, as long as it says; others may hold the pipe open, so its end is not waited for."""
    text = b""
    while len(text) < 8 or len(text) < 8 + struct.unpack_from("Q", text)[0]:
        left = end - time.monotonic()
        if left <= 0 or not select.select([readable], [], [], left)[0] or not (chunk := os.read(readable, 65536)):
            return None
        text += chunk
    return text[8:]


@pytest.fixture
def in_child():
    return run_in_child


@pytest.fixture
def as_root():
    """For tests that need the machine's root; an ordinary user's run does not choose them (see below)."""
    assert os.geteuid() == 0


USER = 64321  # an ordinary user's number, in no file


@pytest.fixture(params=["root", "user"])
def world(request):
    """`world(function)`: run it in a child with a mount namespace of its own, as root and as an ordinary user
    (who has a user namespace too, and is root in it), in an empty folder that is the child's own."""
    folder = tempfile.mkdtemp(prefix="ipyc-", dir="/var/tmp")

    def run(function, *arguments, timeout=30.0):
        def scene():
            if request.param == "user":
                enter_user_namespace()
            namespaces.unshare(namespaces.CLONE_NEWNS)
            mounts.mount("none", "/", flags=mounts.MS_REC | mounts.MS_PRIVATE)
            os.chdir(folder)
            try:
                return function(*arguments)
            finally:
                os.chdir("/")

        return run_in_child(scene, timeout=timeout)

    run.name = request.param
    if request.param == "user" and os.geteuid() == 0:
        os.chown(folder, USER, USER)
    yield run
    trees.remove(folder)


def enter_user_namespace():
    """Be uid 0 in a user namespace with one id, as an ordinary user can."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
    uid, gid = os.geteuid(), os.getegid()
    prctl.set_dumpable(True)  # a process that has changed its ids owns nothing of its own in /proc
    namespaces.unshare(namespaces.CLONE_NEWUSER)
    idmaps.deny_setgroups("self")
    idmaps.write_map("self", "uid_map", [idmaps.Extent(0, uid, 1)])
    idmaps.write_map("self", "gid_map", [idmaps.Extent(0, gid, 1)])


def pytest_collection_modifyitems(config, items):
    """The same things are tested as an ordinary user beside them, so nothing is skipped: they are other tests."""
    if os.geteuid() == 0:
        return
    other = [item for item in items if "as_root" in item.fixturenames or _is_root_world(item)]
    items[:] = [item for item in items if item not in other]
    config.hook.pytest_deselected(items=other)


def _is_root_world(item):
    return hasattr(item, "callspec") and item.callspec.params.get("world") == "root"
