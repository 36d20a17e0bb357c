"""docker's restart manager, by a clock that is only read."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from ipycontainer.engine import restart_policy
from ipycontainer.errors import InputError
from ipycontainer.runtime.inside import stopped
from ipycontainer.runtime.inside.restart import Restarts


def test_waits_double_up_to_a_minute() -> None:
    restarts = Restarts()
    waits = [restarts.wait_after("always", 0, 1, ran=0.5) for _ in range(12)]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60, 60])
    assert restarts.count == 12


def test_whoever_ran_for_ten_seconds_begins_anew() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.wait_after("always", 0, 1, ran=9.9)
    assert restarts.wait_after("always", 0, 1, ran=10.0) == pytest.approx(0.1)
    assert restarts.wait_after("always", 0, 1, ran=0.0) == pytest.approx(0.2)
    assert restarts.count == 7


@pytest.mark.parametrize(
    ("policy", "code", "mark", "again"),
    [
        ("", 1, "", False),
        ("always", 0, "", True),
        ("always", 1, "signalled", True),
        ("always", 1, stopped.FINAL, False),
        ("unless-stopped", 0, "", True),
        ("unless-stopped", 0, "signalled", False),
        ("unless-stopped", 0, stopped.FINAL, False),
        ("on-failure", 0, "", False),
        ("on-failure", 137, "", True),
        ("on-failure", 137, "signalled", True),
        ("on-failure", 137, stopped.FINAL, False),
    ],
)
def test_who_is_started_again(policy: str, code: int, mark: str, again: bool) -> None:
    assert (Restarts().wait_after(policy, 0, code, 1.0, mark) is not None) is again


def test_on_failure_gives_up() -> None:
    restarts = Restarts()
    waits = [restarts.wait_after("on-failure", 3, 1, ran=60.0) for _ in range(4)]
    assert waits == [0.1, 0.1, 0.1, None] and restarts.count == 3


def test_a_wait_ends_when_its_time_is_over(tmp_path: Path) -> None:
    moments = iter([0.0, 100.0])
    assert stopped.wait(str(tmp_path), str(tmp_path), 60.0, lambda: next(moments))
    assert os.listdir(tmp_path) == []


def test_a_mark_ends_a_wait(tmp_path: Path) -> None:
    run, folder = tmp_path / "run", tmp_path / "folder"
    run.mkdir()
    folder.mkdir()
    found: list[bool] = []
    waiting = threading.Thread(target=lambda: found.append(stopped.wait(str(run), str(folder), 60.0)))
    waiting.start()
    while not os.listdir(run):
        waiting.join(0.001)
    stopped.mark(str(folder), final=False)
    assert stopped.wake(str(run))
    waiting.join(0.05)
    assert waiting.is_alive(), "a signal that ends nothing ends no wait"
    stopped.mark(str(folder), final=True)
    assert stopped.wake(str(run))
    waiting.join(30.0)
    assert found == [False] and not stopped.wake(str(run))


def test_a_full_disk_ends_no_wait_and_a_mark_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, mode: int) -> None:
        raise OSError(errno.ENOSPC, "", path)

    monkeypatch.setattr(os, "mkfifo", full)
    moments = iter([0.0, 0.0, 100.0])
    assert stopped.wait(str(tmp_path), str(tmp_path), 60.0, lambda: next(moments))
    assert not stopped.wake(str(tmp_path))
    found: list[bool] = []
    waiting = threading.Thread(target=lambda: found.append(stopped.wait(str(tmp_path), str(tmp_path), 60.0)))
    waiting.start()
    stopped.mark(str(tmp_path), final=True)
    waiting.join(30.0)
    assert found == [False]


def test_the_mark(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert stopped.read(folder) == ""
    stopped.mark(folder, final=True)
    stopped.mark(folder, final=False)
    assert stopped.read(folder) == stopped.FINAL, "what is final stays so until a start"
    stopped.clear(folder)
    stopped.clear(folder)
    assert stopped.read(folder) == "" and os.listdir(folder) == []


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("", {}),
        ("no", {}),
        ("always", {"restart": "always", "retries": 0}),
        ("unless-stopped", {"restart": "unless-stopped", "retries": 0}),
        ("on-failure", {"restart": "on-failure", "retries": 0}),
        ("on-failure:4", {"restart": "on-failure", "retries": 4}),
    ],
)
def test_words(word: str, means: dict[str, object]) -> None:
    assert restart_policy.parse(word) == means


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("on-failure:1:2", "invalid restart policy format"),
        ("on-failure:x", "maximum retry count must be an integer"),
        ("on-failure:-1", "maximum retry count cannot be negative"),
        ("always:3", "maximum retry count cannot be used with restart policy 'always'"),
        ("sometimes", "invalid restart policy 'sometimes'"),
    ],
)
def test_what_is_no_policy(word: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        restart_policy.parse(word)


def test_with_rm() -> None:
    with pytest.raises(InputError, match="Conflicting options: --restart and --rm"):
        restart_policy.parse("always", remove=True)
    assert restart_policy.parse("no", remove=True) == {}


def test_a_mark_on_a_full_disk_is_one_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_full(path: str, *_: object) -> None:
        raise OSError(errno.ENOSPC, "", path)

    monkeypatch.setattr(stopped, "write_file", is_full)
    stopped.mark(str(tmp_path), final=False)
    assert os.path.getsize(tmp_path / stopped.MARK) == 0 and stopped.read(str(tmp_path)) == stopped.FINAL
