"""Id maps and subordinate ids, as texts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipycontainer.linux import idmaps
from ipycontainer.linux.idmaps import (
    WANTED,
    Extent,
    Range,
    format_map,
    nested,
    parse_map,
    parse_subordinate,
    power_of_root,
    rootless,
    subordinate,
)

IDS = st.integers(0, 2**32 - 1)
EXTENTS = st.lists(st.builds(Extent, IDS, IDS, st.integers(1, 2**32 - 1)), max_size=10)


def test_the_kernels_own_format():
    assert parse_map("         0          0 4294967295\n") == [Extent(0, 0, 4294967295)]
    assert parse_map("") == []


@given(EXTENTS)
def test_maps_come_back(extents):
    assert parse_map(format_map(extents)) == extents


@given(EXTENTS)
def test_a_nested_map_is_the_identity_split_where_its_parent_is(extents):
    for inner, outer in zip(nested(extents), extents):
        assert inner.inside == inner.outside == outer.inside
        assert inner.length == outer.length


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ann:100000:65536\n", Range(100000, 65536)),
        ("1000:100000:65536\n", Range(100000, 65536)),
        ("ann:100000:10\nann:200000:65536\nann:300000:5\n", Range(200000, 65536)),
        ("bob:100000:65536\n", None),
        ("ann:100000:0\n", None),
        ("ann:100000\n", None),
        ("ann:x:65536\n", None),
        ("ann:-5:65536\n", None),
        ("# ann:1:2\nann :1:2\n", None),
        ("ann:²:65536\n", None),
        ("ann:" + "9" * 5000 + ":1\n", None),
        ("ann:4294967295:65536\n", None),
        ("", None),
    ],
)
def test_subordinate_ids(text, found):
    assert parse_subordinate(text, "ann", 1000) == found


WORD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n:"), max_size=8)
LINE = st.one_of(WORD, st.builds("{}:{}:{}".format, st.sampled_from(["ann", "1000", "bob"]), WORD | IDS, WORD | IDS))


@given(st.lists(LINE).map("\n".join))
@example("ann:١:٢")
def test_any_text_gives_ids_that_a_map_can_hold_or_none(text):
    found = parse_subordinate(text, "ann", 1000)
    if found is not None:
        assert found.count > 0
        assert found.first + found.count <= 2**32
        first, second = rootless(1000, found)
        assert first == Extent(0, 1000, 1)
        assert second.inside == 1
        assert 0 < second.length < WANTED


WHOLE = [Extent(0, 0, 2**32 - 1)]


@pytest.mark.parametrize(
    ("uids", "gids", "power"),
    [
        (WHOLE, WHOLE, "root"),
        ([Extent(0, 0, 1000), Extent(1000, 1000, 2**32 - 1001)], WHOLE, "root"),
        ([Extent(0, 1000, 1), Extent(1, 100000, 65536)], [Extent(0, 1000, 1), Extent(1, 100000, 65536)], "range"),
        ([Extent(0, 1000, 1)], [Extent(0, 1000, 1)], "one"),
        ([Extent(0, 100000, 65536)], [Extent(0, 1000, 1)], "one"),
        ([], [], "one"),
    ],
)
def test_what_uid_0_is_worth(uids, gids, power):
    assert power_of_root(uids, gids) == power


def test_a_missing_file_gives_nothing(tmp_path):
    assert subordinate(str(tmp_path / "subuid"), "ann", 1000) is None


def test_a_file_with_broken_text_is_still_read(tmp_path):
    (tmp_path / "subuid").write_bytes(b"\xff\xfe:1:2\nann:100000:65536\n")
    assert subordinate(str(tmp_path / "subuid"), "ann", 1000) == Range(100000, 65536)


def test_where_the_mappers_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's first, so that Conda's cannot hide them; then those of PATH, which is not asked for root."""
    both = [tmp_path / "newuidmap", tmp_path / "newgidmap"]
    for file in both:
        file.write_text("")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"relative:{tmp_path / 'nothing'}:{tmp_path}:/usr/bin")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    usual = ("/usr/bin/newuidmap", "/usr/bin/newgidmap")
    elsewhere = (str(both[0]), str(both[1]))
    assert idmaps.mappers() == (usual if os.access(usual[0], os.X_OK) else elsewhere)
    monkeypatch.setattr(idmaps, "_USUAL_FOLDER", str(tmp_path / "nothing"))
    assert idmaps.mappers() == elsewhere
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert idmaps.mappers() == (f"{tmp_path}/nothing/newuidmap", f"{tmp_path}/nothing/newgidmap")
