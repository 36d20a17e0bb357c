"""The widget's thread: whoever looks while it is on its way out is seen."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest

from ipycontainer.jupyter.widgets import sampler


class Nothing:
    """An engine without containers, and a watch of it that can be held up as it is closed."""

    broken = False

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.closing, self.may_close = threading.Event(), threading.Event()

    def containers(self) -> list[Any]:
        return []

    def fileno(self) -> int:
        return self.reading

    def drain(self) -> None:
        pass

    def live(self, _containers: list[Any]) -> None:
        pass

    def close(self) -> None:
        self.closing.set()
        assert self.may_close.wait(20)


def _until(true: Any) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_look_while_the_thread_leaves_starts_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing, told = Nothing(), []
    monkeypatch.setattr(sampler, "Watch", lambda _engine: nothing)
    monkeypatch.setattr(sampler, "PERIOD", 0.01)
    measured = sampler.Sampler(nothing, None, told.append, lambda: False)  # type: ignore[arg-type]
    measured.look("first")
    _until(lambda: told)
    measured.look_away("first")
    assert nothing.closing.wait(10)  # it has seen that nobody looks, and is not gone
    told.clear()
    measured.look("second")
    _until(lambda: told and measured.measuring)
    assert told[0]["kind"] == "whole"
    nothing.may_close.set()  # now the first one leaves; the second goes on
    told.clear()
    _until(lambda: len(told) > 2)
    assert measured.measuring
    measured.look_away()
    _until(lambda: not measured.measuring)
    os.close(nothing.reading)
    os.close(nothing.writing)
