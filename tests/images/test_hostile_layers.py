"""Layers that mean harm: refused with nothing written outside.

Each guard is also taken away once, to show that the attack is real and that it is this guard that stops it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipycontainer.errors import ArchiveError, Error, EscapingPath
from tests.images.forked import Bench
from tests.images.tars import block, char, file, folder, hard_link, symlink, tar


@pytest.fixture
def outside(bench: Bench) -> Path:
    """A folder beside the layer's, which the persona may write."""
    path = bench.folder / "outside"
    path.mkdir()
    (path / "secret").write_text("secret")
    for made in (path, path / "secret"):
        os.chown(made, bench.persona.uid, bench.persona.gid)
    return path


def untouched(outside: Path) -> bool:
    return os.listdir(outside) == ["secret"] and (outside / "secret").read_text() == "secret"


@pytest.mark.parametrize("name", ["../../outside/evil", "a/../../../outside/evil", "./../../outside/evil"])
def test_names_that_climb(bench: Bench, outside: Path, name: str):
    raw = tar(folder("a"), file(name, b"evil"))
    with pytest.raises(EscapingPath, match="climbs out"):
        bench.unpack(raw)
    assert untouched(outside)
    with pytest.raises(EscapingPath, match="leads out"):
        bench.unpack(raw, without=["names"])  # the kernel's walk beneath the root would stop it too
    assert untouched(outside)
    bench.unpack(raw, without=["names", "links"])
    assert (outside / "evil").read_bytes() == b"evil"


def test_absolute_names(bench: Bench, outside: Path):
    raw = tar(file(f"{outside}/evil", b"evil"))
    with pytest.raises(EscapingPath, match="absolute"):
        bench.unpack(raw)
    bench.unpack(tar(folder("/"), file("fine")))
    assert untouched(outside)


@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "climbing"])
def test_a_link_that_leads_out_is_not_walked_through(bench: Bench, outside: Path, absolute: bool):
    raw = tar(symlink("door", str(outside) if absolute else "../../outside"), file("door/evil", b"evil"))
    with pytest.raises(EscapingPath, match="'door' leads out of the layer through a link"):
        bench.unpack(raw)
    assert untouched(outside)
    bench.unpack(raw, without=["links"])
    assert (outside / "evil").read_bytes() == b"evil"


def test_links_in_a_chain_lead_out_together(bench: Bench, outside: Path):
    raw = tar(
        folder("a"), folder("a/b"), symlink("a/up", ".."), symlink("a/b/upper", "../up/.."), symlink("c", "a/b/upper"),
        file("c/outside/evil", b"evil"),
    )  # fmt: skip
    with pytest.raises(EscapingPath):
        bench.unpack(raw)
    assert untouched(outside)


def test_a_name_that_is_a_link_is_not_written_through(bench: Bench, outside: Path):
    raw = tar(symlink("door", str(outside / "secret")), file("door", b"evil"))
    with pytest.raises(ArchiveError, match="'door' stands twice"):
        bench.unpack(raw)
    assert untouched(outside)
    # Even where duplicates are let pass, the link is replaced and not followed.
    bench.unpack(raw, without=["duplicates", "links"])
    assert untouched(outside)
    assert (bench.tree / "door").read_bytes() == b"evil"


def test_hard_links_out(bench: Bench, outside: Path):
    climbing = tar(hard_link("mine", "../../outside/secret"))
    with pytest.raises(EscapingPath, match="climbs out"):
        bench.unpack(climbing)
    with pytest.raises(EscapingPath, match="absolute"):
        bench.unpack(tar(hard_link("mine", str(outside / "secret"))))
    through = tar(symlink("door", str(outside)), hard_link("mine", "door/secret"))
    with pytest.raises(EscapingPath, match="leads out"):
        bench.unpack(through)
    assert (outside / "secret").stat().st_nlink == 1
    bench.unpack(climbing, without=["names", "links"])
    assert (outside / "secret").stat().st_nlink == 2


def test_a_hard_link_to_a_link_links_the_link(bench: Bench, outside: Path):
    raw = tar(symlink("soft", str(outside / "secret")), hard_link("hard", "soft"), file("hard2"))
    bench.unpack(raw)
    assert os.path.islink(bench.tree / "hard")
    assert (outside / "secret").stat().st_nlink == 1
    with pytest.raises(ArchiveError, match="stands twice"):
        bench.unpack(tar(symlink("soft", str(outside / "secret")), hard_link("hard", "soft"), file("hard", b"evil")))
    assert untouched(outside)


def test_a_folder_cannot_be_replaced_by_a_link(bench: Bench, outside: Path):
    """The folder's descriptor is remembered, so the swap would go unseen without the refusal of duplicates."""
    raw = tar(folder("d"), symlink("d", str(outside)), file("d/evil", b"evil"))
    with pytest.raises(ArchiveError, match="'d' stands twice"):
        bench.unpack(raw)
    assert untouched(outside)
    bench.unpack(raw, without=["duplicates", "links"])
    assert (outside / "evil").read_bytes() == b"evil"


def test_a_link_cannot_be_replaced_by_a_folder(bench: Bench, outside: Path):
    with pytest.raises(ArchiveError, match="stands twice"):
        bench.unpack(tar(symlink("d", str(outside)), folder("d"), file("d/evil")))
    assert untouched(outside)


@pytest.mark.parametrize("hidden", ["", ".", ".."])
def test_whiteouts_of_what_is_above(bench: Bench, outside: Path, hidden: str):
    for place in ("", "a/"):
        with pytest.raises(EscapingPath, match="whiteout of"):
            bench.unpack(tar(folder("a"), file(f"{place}.wh.{hidden}")))


def test_a_whiteout_of_the_roots_parent_without_its_guard(bench: Bench):
    bench.unpack(tar(file(".wh..")), without=["whiteouts"])
    bench.unpack(tar(file(".wh...")), without=["whiteouts"])
    attribute = "trusted.overlay.opaque" if bench.mode == "root" else "user.overlay.opaque"
    assert attribute in bench.inside(lambda: os.listxattr(bench.layer)), "the folder above the tree was marked"


def test_a_whiteout_through_a_link(bench: Bench, outside: Path):
    raw = tar(symlink("door", str(outside)), file("door/.wh.secret"), file("door/.wh..wh..opq"))
    with pytest.raises(EscapingPath, match="leads out"):
        bench.unpack(raw)
    assert untouched(outside)
    attribute = "trusted.overlay.opaque" if bench.mode == "root" else "user.overlay.opaque"
    bench.unpack(raw, without=["links"])
    assert attribute in bench.inside(lambda: os.listxattr(outside))


@pytest.mark.parametrize("name", ["trusted.overlay.redirect", "trusted.overlay.opaque", "user.overlay.opaque"])
def test_overlay_attributes_are_not_smuggled_in(bench: Bench, name: str):
    for member in (file("f", attributes={name.encode(): b"y"}), folder("f", attributes={name.encode(): b"y"})):
        with pytest.raises(EscapingPath, match="command the overlay"):
            bench.unpack(tar(member))
    answer = bench.unpack(tar(folder("f", attributes={name.encode(): b"y"})), without=["attributes"])
    if bench.mode == "root" or name.startswith("user."):
        assert name in bench.inside(lambda: os.listxattr(bench.tree / "f"))
    else:
        assert answer["left_out"] == 1


@pytest.mark.personas("root")
def test_a_device_that_is_a_whiteout_in_disguise(bench: Bench):
    raw = tar(char("etc", 0, 0))
    with pytest.raises(EscapingPath, match="disguise"):
        bench.unpack(raw)
    bench.unpack(raw, without=["devices"])
    assert (bench.tree / "etc").lstat().st_rdev == 0


@pytest.mark.personas("user", "solo")
def test_an_ordinary_user_gets_no_nodes_even_without_our_guard(bench: Bench):
    for raw in (tar(char("n", 1, 3)), tar(block("n", 8, 0))):
        with pytest.raises(Error, match="device node"):
            bench.unpack(raw, without=["devices"])


def test_names_that_no_kernel_takes(bench: Bench):
    with pytest.raises(ArchiveError, match="NUL"):
        bench.unpack(tar(file(b"a\0b" + b"x" * 100)))
    with pytest.raises(ArchiveError, match="too long"):
        bench.unpack(tar(file("x" * 5000)))
    with pytest.raises(ArchiveError, match="too long"):
        bench.unpack(tar(file("x/" * 2500 + "x")))
    with pytest.raises(ArchiveError, match="too long"):
        bench.unpack(tar(file("x" * 256)))


def test_duplicates(bench: Bench):
    raw = tar(file("f", b"one"), file("f", b"two"))
    with pytest.raises(ArchiveError, match="'f' stands twice"):
        bench.unpack(raw)
    with pytest.raises(ArchiveError, match="stands twice"):
        bench.unpack(tar(file("f", b"one"), file("./f", b"two")))
    bench.unpack(raw, without=["duplicates"])
    assert (bench.tree / "f").read_bytes() == b"two"


def test_links_that_go_round(bench: Bench):
    with pytest.raises(ArchiveError):
        bench.unpack(tar(symlink("a", "b"), symlink("b", "a"), file("a/x")))


def test_the_root_is_a_folder(bench: Bench):
    for raw in (tar(symlink("./", "/")), tar(file(".")), tar(hard_link("x", "."))):
        with pytest.raises(Error):
            bench.unpack(raw)
    assert bench.tree.is_dir()


def test_what_is_kept_of_folders_to_the_end_is_little(bench: Bench):
    """257 times 64 KiB; compressed they would be nothing, and a gigabyte not much more."""
    heavy = {b"user.a": bytes(65536)}
    with pytest.raises(ArchiveError, match="folders carry more than 16 MiB of extended attributes"):
        bench.unpack(tar(*(folder(f"d{number}", attributes=heavy) for number in range(257))))
