"""What `top` asks the host's ps."""

from __future__ import annotations

import os

import pytest

from ipycontainer.engine import processes
from ipycontainer.engine.container import Container
from ipycontainer.runtime.container_state import RUNNING, State


def test_more_processes_than_a_word_of_a_command_can_name(monkeypatch: pytest.MonkeyPatch) -> None:
    container = Container.__new__(Container)
    monkeypatch.setattr(Container, "state", lambda _: State(RUNNING, pid=os.getpid()))
    monkeypatch.setattr(processes, "pids_of", lambda _: [os.getpid(), *range(3_000_000, 3_020_000)])
    rows = processes.top(container, ["-eo", "pid,comm"]).rows
    assert str(os.getpid()) in [row[0] for row in rows]
