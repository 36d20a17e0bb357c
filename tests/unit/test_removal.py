"""A removal that kills: what the monitor writes last waits for no disk, for nobody will ask."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ipycontainer.errors import WrongState
from ipycontainer.runtime.container_state import UNWANTED_MARK
from ipycontainer.runtime.inside import remove
from ipycontainer.runtime.inside.log import LogWriter


def test_the_monitor_is_told_before_the_kill_and_no_longer_than_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What could not be killed lives on, and its end counts again."""
    run = tmp_path / "run"
    run.mkdir()
    seen = []

    def kill(*_: Any) -> None:
        seen.append(sorted(os.listdir(run)))
        raise WrongState("it has just ended")

    def sweep(*_: Any) -> None:
        raise WrongState("its monitor lives")

    monkeypatch.setattr(remove, "kill", kill)
    monkeypatch.setattr(remove, "sweep_dead", sweep)
    with pytest.raises(WrongState, match="lives"):
        remove.remove({"run": str(run), "folder": str(tmp_path), "kill": {"signal": 9}}, [], None)  # type: ignore[arg-type]
    assert seen == [[UNWANTED_MARK]] and not os.listdir(run)


@pytest.mark.parametrize("durable", [True, False])
def test_a_log_of_what_nobody_wants_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool):
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    writer = LogWriter(str(tmp_path / "log"), 1 << 20, 1, durable=True)
    writer.write(1, b"said\n")
    writer.durable = durable
    writer.end()
    assert bool(synced) == durable
