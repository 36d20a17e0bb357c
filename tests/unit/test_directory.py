"""What a directory of containers keeps in memory: a record is read again as soon as it is another file."""

from __future__ import annotations

import os
import time

import pytest

from ipycontainer.engine import directory
from ipycontainer.engine.directory import RECORD, Directory
from ipycontainer.json_text import dumps

ID = "c" * 64


def write(root, image: str) -> None:
    folder = root / "containers" / ID
    folder.mkdir(parents=True, exist_ok=True)
    config = {"image": image, "image_id": "", "command": ["true"], "created": 1.0, "labels": {}}
    new = folder / "new"
    new.write_text(dumps(config) + "\n{}\n", encoding="utf-8")
    os.replace(new, folder / RECORD)


def image_of(found: Directory) -> str | None:
    config = found.read(ID)
    return None if config is None else config["image"]


def test_a_record_is_read_once_as_long_as_it_is_the_same_file(tmp_path, monkeypatch):
    write(tmp_path, "one")
    found = Directory(str(tmp_path), str(tmp_path / "run"))
    assert image_of(found) == "one"
    monkeypatch.setattr(found, "_line", lambda *_: pytest.fail("it was read again"))
    assert image_of(found) == "one"


def test_a_record_that_was_made_anew_is_read_anew(tmp_path):
    write(tmp_path, "one")
    found = Directory(str(tmp_path), str(tmp_path / "run"))
    assert image_of(found) == "one"
    write(tmp_path, "two")  # of the same size, in the same tick of the clock perhaps: the file is another
    assert image_of(found) == "two"


def test_a_record_that_is_gone_is_not_remembered(tmp_path):
    write(tmp_path, "one")
    found = Directory(str(tmp_path), str(tmp_path / "run"))
    assert image_of(found) == "one"
    os.unlink(tmp_path / "containers" / ID / RECORD)
    assert image_of(found) is None


def test_what_is_kept_in_memory_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(directory, "_KEPT", 2)
    found = Directory(str(tmp_path), str(tmp_path / "run"))
    for number in range(5):
        folder = tmp_path / "containers" / f"{number:064x}"
        folder.mkdir(parents=True)
        line = dumps({"image": "one", "command": [], "created": 1.0, "labels": {}})
        (folder / RECORD).write_text(line + "\n{}\n", encoding="utf-8")
        assert found.read(folder.name) is not None
        assert len(found._known) <= 2


def unfinished(root, *names: str, age: float = 100.0) -> Directory:
    """A container's folder as a power cut leaves it: what was not durable yet is there, and empty."""
    folder = root / "containers" / ID
    folder.mkdir(parents=True)
    (folder / RECORD).touch()
    for name in names:
        (folder / name).mkdir()
    (root / "names").mkdir()
    (root / "names" / "web").symlink_to(ID)
    os.utime(folder, (time.time() - age,) * 2)
    return Directory(str(root), str(root / "run"))


def test_a_name_goes_with_what_was_never_finished(tmp_path):
    found = unfinished(tmp_path)
    found.forget_unfinished(ID)
    assert os.listdir(tmp_path / "containers") == os.listdir(tmp_path / "names") == []
    assert found.choose_name("web") == "web"


def test_what_had_begun_and_lost_its_record_can_be_found_and_removed(tmp_path):
    found = unfinished(tmp_path, "0")
    found.forget_unfinished(ID)
    assert found.find("web") == ID and image_of(found) == "(damaged)"


def test_what_is_being_made_is_not_taken_for_that(tmp_path):
    found = unfinished(tmp_path, "0", age=1.0)
    assert image_of(found) is None
