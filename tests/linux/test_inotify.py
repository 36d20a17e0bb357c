"""inotify: told once, by number of the watch."""

from __future__ import annotations

import select
from pathlib import Path

import pytest

from ipycontainer.errors import KernelError
from ipycontainer.linux import inotify


@pytest.fixture
def watching():
    found = inotify.Inotify()
    yield found
    found.close()


def test_it_is_readable_when_something_happened_and_not_before(watching: inotify.Inotify, tmp_path: Path):
    folder = watching.add(str(tmp_path), inotify.CREATE | inotify.DELETE)
    assert select.select([watching], [], [], 0)[0] == []
    assert watching.read() == []
    (tmp_path / "a name that needs more than one word of padding").write_text("")
    (tmp_path / "b").write_text("")
    assert select.select([watching], [], [], 5)[0] == [watching]
    assert watching.read() == [(folder, inotify.CREATE), (folder, inotify.CREATE)]
    assert watching.read() == []


def test_a_writer_that_closes_and_a_file_that_goes(watching: inotify.Inotify, tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("")
    watch = watching.add(str(path), inotify.CLOSE_WRITE | inotify.DELETE_SELF)
    path.read_text()
    assert watching.read() == []  # who only reads is not told of
    path.write_text("x")
    assert (watch, inotify.CLOSE_WRITE) in watching.read()
    path.unlink()
    assert [mask for _, mask in watching.read()] == [inotify.DELETE_SELF, inotify.IGNORED]
    watching.remove(watch)  # it has ended by itself, which is no error


def test_what_is_not_there_cannot_be_watched(watching: inotify.Inotify, tmp_path: Path):
    with pytest.raises(KernelError, match=r"inotify_add_watch .*/nothing: ENOENT"):
        watching.add(str(tmp_path / "nothing"), inotify.CREATE)


def test_a_second_close_changes_nothing():
    found = inotify.Inotify()
    found.close()
    found.close()
