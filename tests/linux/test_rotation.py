"""A file that many append to, set aside again and again: whoever reads it misses no line and sees none twice."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from ipycontainer.engine.events import Journal, JournalSource
from ipycontainer.launcher import folders
from ipycontainer.linux import locks, rotation
from ipycontainer.runtime.inside import journal

WRITERS, EACH = 8, 500
# How many lines the one who follows may be behind.  A file takes more than twice as many: two files are gone when it
# comes later than that, and then lines are lost, on a busy machine too.
AHEAD = 150


def _read_all(path: str) -> bytes:
    reader, raw = rotation.Reader(path, 0.0), b""
    try:
        while data := reader.take(False)[0]:
            raw += data
        return raw
    finally:
        reader.close()


def test_no_more_than_two_bounds_are_kept(tmp_path: Path):
    path = str(tmp_path / "events")
    for number in range(100):
        rotation.append(path, b"%07d\n" % number, 80)
    assert sorted(os.listdir(tmp_path)) == ["events", "events.1"]
    found = [int(line) for line in _read_all(path).split()]
    assert found == list(range(found[0], 100)) and 10 < len(found) <= 22


def test_eight_writers_over_many_rotations_and_one_who_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folders, "EVENTS_BOUND", 60_000)
    path = str(tmp_path / "events")
    aside = rotation._set_aside
    readable, told = os.pipe()

    def counted(path: str) -> None:
        aside(path)
        os.write(told, b"x")

    monkeypatch.setattr(rotation, "_set_aside", counted)
    source = JournalSource(path, None, None, follow=True)
    leave, leaves = os.pipe()
    os.write(leaves, bytes(AHEAD))
    children = [_writer(path, number, leave, leaves) for number in range(WRITERS)]
    seen: Counter[str] = Counter()
    end = time.monotonic() + 60
    while seen.total() < WRITERS * EACH and time.monotonic() < end:
        came = [event.id for event in source.take()]
        seen.update(came)
        os.write(leaves, bytes(len(came)))
        if all(os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) for child in children):
            seen.update(event.id for event in _rest(source))
            break
    source.close()
    for descriptor in (told, leave, leaves):
        os.close(descriptor)
    times = len(os.read(readable, 4096))
    os.close(readable)
    assert {os.waitpid(child, 0)[1] for child in children} == {0}
    wanted = Counter(f"{number}-{count}" for number in range(WRITERS) for count in range(EACH))
    assert wanted - seen == Counter(), "none is lost"
    assert seen - wanted == Counter(), "none is told twice"
    assert times > 3, "it was set aside again and again"


def _rest(source: JournalSource) -> list:
    found: list = []
    while more := source.take():
        found += more
    return found


def _writer(path: str, number: int, leave: int, leaves: int) -> int:
    """Half of them as the engine writes, half as monitors do.  leave: a pipe with a byte for each line, or its end."""
    child = os.fork()
    if child == 0:
        code = 1
        os.close(leaves)
        try:
            for count in range(EACH):
                os.read(leave, 1)
                if number % 2:
                    Journal(path).append("container", "die", f"{number}-{count}", {})
                else:
                    journal.append(path, [("container", "die", f"{number}-{count}", {})])
            code = 0
        finally:
            os._exit(code)
    return child


def test_who_has_it_open_while_it_is_set_aside_writes_to_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = str(tmp_path / "events")
    rotation.append(path, b"first\n", 1000)
    reader = rotation.Reader(path, None)
    share = locks.share

    def late(descriptor: int) -> bool:
        """Between its open and its lock two rotations come."""
        monkeypatch.setattr(locks, "share", share)
        for line in (b"second\n", b"third\n"):
            rotation.append(path, line, 1)
        return share(descriptor)

    monkeypatch.setattr(locks, "share", late)
    rotation.append(path, b"late\n", 1000)
    told = b""
    while data := reader.take(True)[0]:
        told += data
    reader.close()
    assert told == b"second\nthird\nlate\n"
    assert Path(path).read_text() == "late\n" and _read_all(path) == b"third\nlate\n"


def test_one_that_stands_still_at_that_moment_stops_nobody(tmp_path: Path):
    path = str(tmp_path / "events")
    rotation.append(path, b"first\n", 1000)
    holder = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    assert locks.share(holder)
    rotation.append(path, b"second\n", 1)
    assert not os.path.exists(f"{path}.1"), "somebody may be about to write to it"
    assert locks.take(holder)
    rotation.append(path, b"third\n", 1)
    assert Path(path).read_text() == "first\nsecond\nthird\n"
    os.close(holder)
    rotation.append(path, b"fourth\n", 1)
    assert not os.path.exists(path) and _read_all(path) == b"first\nsecond\nthird\nfourth\n"


def test_a_half_line_at_the_end_of_a_file_is_not_glued_to_the_next_one(tmp_path: Path):
    path = tmp_path / "events"
    Journal(str(path)).append("container", "start", "1", {})
    with path.open("ab") as file:
        file.write(b'{"time": 1, "half')
    path.rename(f"{path}.1")
    Journal(str(path)).append("container", "die", "1", {"exitCode": "7"})
    assert [event.action for event in Journal(str(path)).read()] == ["start", "die"]
    assert Journal(str(path)).exit_code("1") == 7


def test_since_looks_into_what_was_set_aside_where_it_may_be_there(tmp_path: Path):
    path = tmp_path / "events"
    Journal(str(path)).append("container", "start", "1", {})
    path.rename(f"{path}.1")
    Journal(str(path)).append("container", "die", "1", {})
    found = Journal(str(path))
    assert [event.action for event in found.read(time.time() - 60)] == ["start", "die"]
    os.utime(f"{path}.1", (0, 0))
    assert [event.action for event in found.read(time.time() - 60)] == ["die"]


def test_a_writer_killed_at_any_instant_leaves_one_or_the_other(tmp_path: Path):
    path = str(tmp_path / "events")
    for turn in range(20):
        child = os.fork()
        if child == 0:
            try:
                for number in range(10**6):
                    rotation.append(path, b"%d %d\n" % (turn, number), 200)
            finally:
                os._exit(1)
        time.sleep(0.003 + 0.0007 * turn)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        rotation.append(path, b"%d after\n" % turn, 200)
        lines = [line.split() for line in _read_all(path).decode().splitlines()]
        assert lines[-1] == [str(turn), "after"]
        numbers = [int(number) for which, number in lines[:-1] if which == str(turn) and number != "after"]
        assert numbers == list(range(numbers[0], numbers[-1] + 1)) if numbers else True


def test_a_line_for_which_there_is_not_enough_room_takes_no_other_along(tmp_path: Path):
    """As on a disk that is nearly full; a limit of the file's size cuts a write too."""
    path = str(tmp_path / "events")
    rotation.append(path, b"first\n", 1000)
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        try:
            rotation.append(path, b"second\n", 1000)
        except OSError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    rotation.append(path, b"third\n", 1000)
    assert _read_all(path) == b"first\nthird\n"
