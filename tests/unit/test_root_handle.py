"""The job "root" and a container that ends under its hands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ipycontainer.errors import WrongState
from ipycontainer.json_text import dumps
from ipycontainer.launcher.wire import pair
from ipycontainer.linux import locks, namespaces, pidfd
from ipycontainer.linux.cgroups import Layout
from ipycontainer.runtime.inside import root_handle
from ipycontainer.runtime.inside.rehearsal import sample
from ipycontainer.runtime.launch import Host

HOST = Host(mode="root", uid_map=(), gid_map=(), layout=Layout("none"), last_capability=40)


def test_one_that_has_ended_before_it_is_entered_is_asked_for_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever copies takes the layers of what does not run."""
    lock = os.open(tmp_path / "alive", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    assert locks.take(lock)
    setns = namespaces.setns
    with subprocess.Popen(["sleep", "1000"]) as process:
        state = {"pid": process.pid, "start_time": pidfd.start_time(process.pid), "runs": True}
        os.write(lock, dumps(state).encode() + b"\n")

        def late(descriptor: int, flags: int) -> None:
            process.kill()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            setns(descriptor, flags)

        monkeypatch.setattr(namespaces, "setns", late)
        monkeypatch.setattr(root_handle, "forbid_imports", lambda: None)
        monkeypatch.setattr(root_handle.container, "hide", lambda: None)
        with pytest.raises(WrongState, match="not running any more"):
            root_handle.lend(HOST, {**sample(), "run": str(tmp_path)}, [], pair()[0])
    os.close(lock)
