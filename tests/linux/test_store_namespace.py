"""Which monitor's namespaces a new launcher joins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipycontainer.json_text import dumps
from ipycontainer.launcher import store_namespace
from ipycontainer.linux import locks
from ipycontainer.linux.pidfd import start_time


@pytest.mark.parametrize("mode", ["root", "one"])
def test_a_monitor_that_is_dead_is_passed_over_though_its_lock_is_held(tmp_path: Path, mode: str) -> None:
    """Its starter, which dies with it, has the lock too, and nobody has reaped it: it has no namespaces any more."""
    run = tmp_path / "containers" / "one"
    run.mkdir(parents=True)
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
    held = os.open(run / "alive", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(held, dumps({"monitor": dead, "mode": mode}).encode() + b"\n")
        assert locks.take(held)
        # In a process of its own, which has one thread.
        trier = os.fork()
        if trier == 0:
            try:
                os._exit(3 if store_namespace._join_living(str(tmp_path)) is None else 4)
            finally:
                os._exit(5)
        assert os.waitstatus_to_exitcode(os.waitpid(trier, 0)[1]) == 3
    finally:
        os.close(held)
        os.waitpid(dead, 0)


def test_who_may_have_a_container_in_a_moment_is_joined_too(tmp_path: Path) -> None:
    """Another release's launcher, and what a killed one kept ready; no process that has the number of one since."""
    run = str(tmp_path)
    (tmp_path / "containers").mkdir()

    def found() -> set[int]:
        return {pid for pid, _, started in store_namespace._living(run) if store_namespace._is_still(pid, started)}

    with (
        subprocess.Popen(["cat"], stdin=subprocess.PIPE) as ready,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE) as launcher,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stranger,
    ):
        times = {child.pid: start_time(child.pid) for child in (ready, launcher, stranger)}
        for name, facts in (
            ("killed", {"pid": stranger.pid, "start_time": times[stranger.pid] - 1, "mode": "range"}),
            ("cut", {}),
            ("older", {"pid": stranger.pid, "mode": "range"}),
            ("odd", {"pid": "x", "start_time": None, "mode": "range"}),
            ("other", {"pid": launcher.pid, "start_time": times[launcher.pid], "mode": "range"}),
        ):
            (tmp_path / f"launcher-{name}.json").write_text(dumps(facts))
        assert found() == {launcher.pid}
        (tmp_path / "slots" / f"slot-abc-{times[ready.pid]}-{ready.pid}").mkdir(parents=True)
        (tmp_path / "slots" / f"slot-def-{times[stranger.pid] - 1}-{stranger.pid}").mkdir()
        (tmp_path / "slots" / f"slot-{stranger.pid}").mkdir()
        assert found() == {launcher.pid, ready.pid}
        for child in (launcher, ready):
            child.communicate()
            assert child.pid not in found()
    assert found() == set()


# A launcher was killed, and its number is somebody's who has made a mount namespace of his own.
_JOINS = """
import sys
from ipycontainer.launcher import store_namespace
from ipycontainer.linux import namespaces
if sys.argv[2] == "off":
    store_namespace._is_still = lambda pid, started: True
store_namespace.enter(sys.argv[1])
print(open("/tmp/whose").read())
"""


@pytest.mark.as_root
@pytest.mark.parametrize("guard", ["on", "off"])
def test_root_is_in_no_mount_namespace_of_a_strangers(tmp_path: Path, guard: str) -> None:
    """What a launcher executes next it would take from there."""
    (tmp_path / "containers").mkdir()
    script = "mount -t tmpfs tmpfs /tmp && echo stranger > /tmp/whose && echo made && read line"
    command = ["unshare", "-Urm", "sh", "-c", script]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, user=65534, group=65534, extra_groups=[], **pipes) as stranger:  # type: ignore[call-overload]
        assert stranger.stdout.readline() == b"made\n"
        facts = {"pid": stranger.pid, "start_time": start_time(stranger.pid) - 1, "mode": "root"}
        (tmp_path / "launcher-killed.json").write_text(dumps(facts))
        joining = subprocess.run([sys.executable, "-c", _JOINS, tmp_path, guard], capture_output=True, text=True)
        stranger.communicate()
    assert ("stranger" in joining.stdout) == (guard == "off"), joining
