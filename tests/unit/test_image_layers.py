"""What each layer of an image adds, changes, removes and wastes."""

from __future__ import annotations

from ipycontainer.engine.image_layers import _accounts
from ipycontainer.images.trees import FileRecord


def _record(layer: int, kind: str, path: str, size: int = 0) -> FileRecord:
    return FileRecord(layer, kind, path, 0o644, 0, 0, size, 0.0, 1, 1)


def test_a_folder_that_goes_takes_all_below_it_along_and_an_opaque_one_what_is_not_its_own():
    low = [_record(0, "folder", "a"), _record(0, "folder", "a/b"), _record(0, "file", "a/b/c", 3)]
    low += [_record(0, "file", "ab", 5), _record(0, "folder", "o"), _record(0, "file", "o/old", 7)]
    low += [_record(0, "file", "o/own", 1)]
    top = [_record(1, "gone", "a"), _record(1, "opaque", "o"), _record(1, "file", "o/own", 2)]
    first, second = _accounts([low, top], [False, False])
    assert second.removed == {"/a": 0, "/a/b": 0, "/a/b/c": 3, "/o/old": 7}
    assert (second.added, second.changed) == ({}, {"/o/own": 2})
    assert first.wasted == 11
    (hidden,) = _accounts([low, []], [False, True])[1:]
    assert set(hidden.removed) == {f"/{record.path}" for record in low}


def test_an_image_that_removes_very_many_names():
    """Whoever looks through all names for each of them is at it for an hour."""
    many = 150_000
    low = [_record(0, "file", f"f{number}", 1) for number in range(many)]
    top = [_record(1, "gone", f"f{number}") for number in range(many)]
    first, second = _accounts([low, top], [False, False])
    assert (first.wasted, len(second.removed)) == (many, many)
