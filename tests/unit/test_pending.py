"""A job that was asked for: what is told when launchers go away, and how long its descriptors are kept."""

from __future__ import annotations

import os
import select
from typing import Any

import pytest

from ipycontainer.errors import LauncherError
from ipycontainer.images.drain import Drain
from ipycontainer.launcher import wire
from ipycontainer.launcher.pending import Pending


class Leaving:
    """A launcher whose first connections end unread, and that then refuses to start, or takes the request."""

    run = "/run"

    def __init__(self, refused: str = "", resets: int = 1) -> None:
        self._refused = refused
        self._resets = resets
        self.others: list[wire.Channel] = []

    def connect(self, _path: str) -> wire.Channel:
        if len(self.others) == self._resets and self._refused:
            raise LauncherError(self._refused)
        ours, theirs = wire.pair()
        self.others.append(theirs)
        return ours


def ask(launcher: Leaving) -> Pending:
    return Pending(launcher, "/sock", "job", {"a": 1}, ())  # type: ignore[arg-type]


def test_why_it_cannot_be_asked_again_is_told_each_time():
    launcher = Leaving(refused="changed on disk; restart the kernel")
    pending = ask(launcher)
    launcher.others[0].close()  # the request lies there unread
    assert pending.over() and pending.over()
    for _ in range(2):
        with pytest.raises(LauncherError, match="restart the kernel"):
            pending.answer()


def test_what_was_not_read_is_asked_again_and_what_was_read_is_not():
    launcher = Leaving()
    pending = ask(launcher)
    launcher.others[0].close()
    assert not pending.over()
    message = launcher.others[1].receive()
    assert message is not None and message.document == {"job": "job", "request": {"a": 1}}
    launcher.others[1].close()
    assert pending.over()
    with pytest.raises(LauncherError, match=r"'job' went away without an answer; see /run/launcher\.log"):
        pending.answer()
    assert len(launcher.others) == 2


class Asked:
    """Says at its end which of its descriptors were still open."""

    def __init__(self, descriptors: Any) -> None:
        self._descriptors = descriptors
        self._pipe = os.pipe()
        self.open_at_the_end: list[bool] = []

    def fileno(self) -> int:
        return self._pipe[0]

    def over(self) -> bool:
        return True

    def answer(self) -> dict[str, Any]:
        self.open_at_the_end = [os.path.exists(f"/proc/self/fd/{one}") for one in self._descriptors]
        for one in self._pipe:
            os.close(one)
        return {}


@pytest.mark.parametrize("read", [False, True], ids=["given up", "to its end"])
def test_a_drain_keeps_what_it_gave_until_the_job_is_over(read: bool):
    asked: list[Asked] = []

    def begin(_job: str, _request: dict[str, Any], descriptors: Any = (), /) -> Asked:
        os.write(descriptors[-1], b"piece")
        asked.append(Asked(descriptors))
        return asked[0]

    before = len(os.listdir("/proc/self/fd"))
    folder = os.open("/", os.O_RDONLY)
    with Drain(begin, "job", {}, [folder]) as pieces:
        assert next(pieces) == b"piece"
        os.write(asked[0]._pipe[1], b"over")
        if read:
            assert select.select([asked[0]], [], [], 5)[0]
            assert list(pieces) == []
    os.close(folder)
    assert asked[0].open_at_the_end[:1] == ([True] if not read else [False])
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_drain_whose_job_cannot_be_asked_for_leaves_nothing_open():
    def refused(*_: Any) -> Asked:
        raise LauncherError("no")

    before = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(LauncherError):
        Drain(refused, "job", {}, [0])
    with pytest.raises(OSError):
        Drain(refused, "job", {}, [12345])
    assert sorted(os.listdir("/proc/self/fd")) == before
