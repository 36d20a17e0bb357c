"""A container's state from its files, while others write them."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import pytest

from ipycontainer.errors import KernelError, WrongState
from ipycontainer.json_text import dumps
from ipycontainer.launcher.alive import look
from ipycontainer.linux import locks
from ipycontainer.runtime import container_state
from ipycontainer.runtime.container_state import CREATED, RUNNING, UNKNOWN, read_state
from ipycontainer.runtime.inside import life

CGROUPS = {"cgroups": [], "devices": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def alive(tmp_path: Path, *lines: dict[str, Any]) -> tuple[str, int]:
    """A run folder whose lock is held: its path, the lock."""
    run = tmp_path / "run"
    run.mkdir(exist_ok=True)
    lock = os.open(run / "alive", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    assert locks.take(lock)
    for line in lines:
        os.write(lock, dumps(line).encode() + b"\n")
    return str(run), lock


def test_what_is_started_between_two_looks_is_not_dead(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []

    def read(path: str) -> dict[str, Any]:
        if not held:
            held.append(alive(tmp_path, CGROUPS)[1])
        return {"started": 5.0}

    monkeypatch.setattr(container_state, "_read", read)
    assert read_state(str(folder), str(tmp_path / "run")).status == RUNNING
    os.close(held[0])
    assert read_state(str(folder), str(tmp_path / "run")).status == UNKNOWN


def test_who_sweeps_or_copies_what_was_never_started_changes_nothing(tmp_path: Path, folder: Path) -> None:
    run = str(tmp_path / "run")
    lock = life.claim(run, sweeps=True)
    assert read_state(str(folder), run).status == CREATED
    life.write_leaves(lock, [], "")
    assert read_state(str(folder), run).status == CREATED
    os.close(lock)


@pytest.mark.parametrize("line", [{"remove": {}}, {"pid": 1, "monitor": 1}])
def test_one_with_rm_has_no_other_record(tmp_path: Path, folder: Path, line: dict[str, Any]) -> None:
    run, lock = alive(tmp_path, CGROUPS, line)
    assert read_state(str(folder), run).status == RUNNING
    os.close(lock)
    assert read_state(str(folder), run).status == UNKNOWN
    folder.rmdir()
    assert read_state(str(folder), run).status == CREATED  # it is just being removed


def test_a_sweep_that_has_just_begun_is_no_monitor(tmp_path: Path, folder: Path) -> None:
    """What a dead monitor wrote stands in the file until it is swept; rm would be told that it runs."""
    run, lock = alive(tmp_path, CGROUPS, {"pid": 1, "monitor": 1}, {"runs": True})
    (folder / "life.json").write_text('{"started": 5.0}')
    assert read_state(str(folder), run).status == RUNNING
    os.close(lock)
    lock = life.claim(run, sweeps=True)
    assert read_state(str(folder), run).status == UNKNOWN
    with pytest.raises(WrongState):
        life.claim(run)
    os.close(lock)
    lock = life.claim(run)
    with pytest.raises(WrongState):
        life.claim(run, sweeps=True)
    os.close(lock)


def test_a_line_for_which_there_is_not_enough_room_takes_no_other_along(tmp_path: Path) -> None:
    """As on a disk that is nearly full; a limit of the file's size cuts a write too."""
    run, lock = alive(tmp_path, CGROUPS)
    before = os.fstat(lock).st_size
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before + 10, before + 10))
        try:
            life.mark_waiting(lock, "root")
        except KernelError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    life.mark_running(lock)
    assert look(run)[1] == {"runs": True}
    os.close(lock)
