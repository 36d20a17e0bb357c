"""The job "kill" and a start that is under way."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ipycontainer.errors import WrongState
from ipycontainer.json_text import dumps
from ipycontainer.launcher.wire import pair
from ipycontainer.linux import locks, pidfd
from ipycontainer.runtime.inside import kill


def _started(run: Path, process: subprocess.Popen[bytes]) -> int:
    """The record of a container whose PID 1 is on its way to its program; its monitor's lock."""
    lock = os.open(run / "alive", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    assert locks.take(lock)
    state = {"pid": process.pid, "start_time": pidfd.start_time(process.pid), "cgroups": []}
    os.write(lock, dumps(state).encode() + b"\n")
    return lock


def test_a_start_comes_through_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what ended it would be told as a start that failed."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        lock = _started(tmp_path, process)
        looks = []

        def sleep(_seconds: float) -> None:
            assert process.poll() is None, "the signal was sent before its program ran"
            looks.append(1)
            if len(looks) == 3:
                os.write(lock, b'{"runs": true}\n')

        monkeypatch.setattr(kill, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
        kill.kill({"run": str(tmp_path), "signal": 9}, [], pair()[0])
        assert process.wait(60) == -9 and len(looks) == 3
        os.close(lock)


def test_one_that_hangs_is_met_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        lock = _started(tmp_path, process)
        monkeypatch.setattr(kill, "_PATIENCE", 0.0)
        kill.kill({"run": str(tmp_path), "signal": 9}, [], pair()[0])
        assert process.wait(60) == -9
        os.close(lock)


def test_one_that_failed_meanwhile_is_not_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        lock = _started(tmp_path, process)
        clock = SimpleNamespace(sleep=lambda _seconds: os.close(lock), monotonic=time.monotonic)
        monkeypatch.setattr(kill, "time", clock)
        with pytest.raises(WrongState):
            kill.kill({"run": str(tmp_path), "signal": 9}, [], pair()[0])
        assert process.poll() is None
        process.kill()
