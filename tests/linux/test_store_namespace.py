"""Which monitor's namespaces a new launcher joins."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ipycontainer.json_text import dumps
from ipycontainer.launcher import store_namespace
from ipycontainer.linux import locks


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
    words = ["sh", "-c", "read line", "launcher", "root", run, "name"]
    with (
        subprocess.Popen(words, stdin=subprocess.PIPE) as ready,
        subprocess.Popen(words, stdin=subprocess.PIPE) as launcher,
        subprocess.Popen(["sleep", "1000"]) as stranger,
    ):
        for name, facts in (
            ("killed", {"pid": stranger.pid, "mode": "range", "root": "root"}),
            ("cut", {}),
            ("other", {"pid": launcher.pid, "mode": "range", "root": "root"}),
        ):
            (tmp_path / f"launcher-{name}.json").write_text(dumps(facts))
        assert set(store_namespace._living(run)) == {(launcher.pid, "range")}
        (tmp_path / "slots" / f"slot-abc-{ready.pid}").mkdir(parents=True)
        (tmp_path / "slots" / f"slot-def-{stranger.pid}").mkdir()
        assert set(store_namespace._living(run)) == {(launcher.pid, "range"), (ready.pid, "range")}
        launcher.communicate()
        assert set(store_namespace._living(run)) == {(ready.pid, "range")}
        ready.communicate()
        stranger.kill()
    assert list(store_namespace._living(run)) == []
