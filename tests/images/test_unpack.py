"""Layers become trees: what a tar says is what lies there, for root, with subordinate ids and with one id."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import time

import pytest

from ipycontainer.errors import ArchiveError, DeviceRefused, StoreUnwritable, TruncatedArchive
from ipycontainer.images.inside import owners, remove
from tests.images.forked import Bench
from tests.images.tars import WHEN, char, fifo, file, folder, hard_link, symlink, tar


def status(bench: Bench, name: str) -> dict[str, int]:
    path = bench.tree / name

    def look() -> dict[str, int]:
        found = os.lstat(path)
        return {"mode": found.st_mode, "uid": found.st_uid, "gid": found.st_gid, "mtime": found.st_mtime_ns}

    return dict(bench.inside(look))


def test_files_folders_links_modes_and_times(bench: Bench):
    answer = bench.unpack(
        tar(
            folder("./", 0o711),
            folder("a", 0o500),
            file("a/plain", b"hello", 0o640),
            file("a/suid", b"#!", 0o4755),
            folder("sticky", 0o1777),
            folder("setgid", 0o2755),
            symlink("a/soft", "../nowhere"),
            hard_link("hard", "a/plain"),
            fifo("pipe"),
            file("no/parents/named", b"x" * 1_000_000),
        )
    )
    assert answer["entries"] == 10
    assert answer["size"] == 1_000_007
    assert (bench.tree / "a/plain").read_bytes() == b"hello"
    assert (bench.tree / "no/parents/named").stat().st_size == 1_000_000
    assert os.readlink(bench.tree / "a/soft") == "../nowhere"
    assert (bench.tree / "hard").stat().st_ino == (bench.tree / "a/plain").stat().st_ino
    modes = {".": 0o711, "a": 0o500, "a/plain": 0o640, "a/suid": 0o4755, "sticky": 0o1777, "setgid": 0o2755}
    modes |= {"no": 0o755, "pipe": 0o600}
    for name, mode in modes.items():
        found = status(bench, name)
        assert stat.S_IMODE(found["mode"]) == mode, name
        assert (found["uid"], found["gid"]) == (0, 0), name
    for name in (".", "a", "a/plain", "a/soft", "pipe", "hard"):
        assert status(bench, name)["mtime"] == WHEN * 10**9, name
    assert stat.S_ISFIFO(status(bench, "pipe")["mode"])


@pytest.mark.personas("root", "user")
def test_owners_are_kept_where_ids_are_mapped(bench: Bench):
    bench.unpack(tar(file("f", b"x", 0o4711, uid=1000, gid=1001), folder("d", uid=5), symlink("s", "f", gid=7)))
    assert {name: (status(bench, name)["uid"], status(bench, name)["gid"]) for name in "fds"} == {
        "f": (1000, 1001), "d": (5, 0), "s": (0, 7)
    }  # fmt: skip
    assert stat.S_IMODE(status(bench, "f")["mode"]) == 0o4711, "chown takes the bit away, so it is set afterwards"


@pytest.mark.personas("solo")
def test_with_one_id_owners_are_kept_beside(bench: Bench):
    bench.unpack(tar(file("f\n", b"x", 0o4711, uid=1000, gid=1001), folder("d", uid=5), file("mine")))
    assert (status(bench, "d")["uid"], status(bench, "f\n")["uid"]) == (0, 0)
    kept = owners.read((bench.layer / "owners").read_bytes())
    assert kept == {b"f\n": (1000, 1001, 0o4711), b"d": (5, 0, 0o755)}


@pytest.mark.personas("user")
def test_ids_beyond_the_range_are_refused_in_a_sentence(bench: Bench):
    with pytest.raises(ArchiveError, match=r"'f' belongs to 70000:0, which is outside the ids.*subuid"):
        bench.unpack(tar(file("f", uid=70_000)))


@pytest.mark.personas("user")
def test_or_given_to_root_without_their_set_id_bits(bench: Bench):
    raw = tar(
        file("f", b"x", 0o6755, uid=70_000), file("g", b"x", 0o6755, uid=5, gid=70_000), folder("d", uid=70_000),
        symlink("s", "f", uid=70_000), file("mine", b"x", 0o6755, uid=5),
    )  # fmt: skip
    assert bench.unpack(raw, ignore_ids=True)["folded"] == 4
    found = {name: status(bench, name) for name in ("f", "g", "d", "s", "mine")}
    owners_and_modes = {name: (one["uid"], one["gid"], stat.S_IMODE(one["mode"])) for name, one in found.items()}
    assert owners_and_modes == {
        "f": (0, 0, 0o2755), "g": (5, 0, 0o4755), "d": (0, 0, 0o755), "s": (0, 0, 0o777), "mine": (5, 0, 0o6755)
    }  # fmt: skip


@pytest.mark.personas("root", "solo")
def test_nothing_is_given_to_root_where_every_owner_can_be_kept(bench: Bench):
    assert bench.unpack(tar(file("f", uid=70_000)), ignore_ids=True)["folded"] == 0


@pytest.mark.parametrize("options", [["--format=gnu"], ["--format=pax"], ["--format=pax", "--sparse-version=0.1"]])
def test_holes_stay_holes(bench: Bench, options: list[str]):
    """What GNU tar says is a hole is one in the tree, and reads as zeros; with content at the start, middle, end."""
    source = bench.folder / "sparse"
    pieces = {0: b"start" * 1000, 6 << 20: b"middle", (12 << 20) - 3: b"end"}
    with source.open("wb") as made:
        for place, content in pieces.items():
            made.seek(place)
            made.write(content)
        made.truncate(20 << 20)
    command = ["tar", "--sparse", *options, "-C", bench.folder, "-cf", "-", "sparse"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    assert len(raw) < 1 << 20
    answer = bench.unpack(raw)
    assert answer["size"] < 1 << 20
    found = (bench.tree / "sparse").stat()
    assert found.st_size == 20 << 20
    assert found.st_blocks * 512 < 1 << 20, "holes became zeros on the disk"
    subprocess.run(["cmp", source, bench.tree / "sparse"], check=True)
    plain = subprocess.run(["tar", "-C", bench.folder, "-cf", "-", "sparse"], check=True, capture_output=True).stdout
    bench.unpack(plain)
    assert (bench.tree / "sparse").stat().st_blocks * 512 >= 20 << 20, "an archive without holes has none"


def test_whiteouts_become_what_overlayfs_looks_for(bench: Bench):
    answer = bench.unpack(
        tar(
            folder("d"), file("d/.wh.gone"), folder("o"), file("o/.wh..wh..opq"), file("o/new"),
            file("both", b"stays"), file(".wh.both"), file(".wh.again"), file("again", b"back"),
            file(".wh.dir"), folder("dir"), file(".wh..wh.plnk"),
        )
    )  # fmt: skip
    gone = status(bench, "d/gone")
    assert stat.S_ISCHR(gone["mode"])
    assert (bench.tree / "d/gone").lstat().st_rdev == 0
    attribute = "trusted.overlay.opaque" if bench.mode == "root" else "user.overlay.opaque"
    opaque = {
        name: attribute in bench.inside(lambda name=name: os.listxattr(bench.tree / name)) for name in ("o", "dir", "d")
    }
    assert opaque == {"o": True, "dir": True, "d": False}
    assert (bench.tree / "both").read_bytes() == b"stays"
    assert (bench.tree / "again").read_bytes() == b"back"
    assert not answer["opaque"]
    assert sorted(os.listdir(bench.tree)) == ["again", "both", "d", "dir", "o"]


def test_a_layer_that_hides_everything_says_so(bench: Bench):
    assert bench.unpack(tar(file(".wh..wh..opq"), file("new")))["opaque"]


def test_attributes_are_kept(bench: Bench):
    # A capability set as the kernel writes it: version 2, effective, NET_RAW.
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    bench.unpack(
        tar(
            file("f", b"x", attributes={b"user.note": b"kept", b"security.capability": capability}),
            folder("d", attributes={b"user.note": b"also"}),
        )
    )
    assert bench.inside(lambda: os.getxattr(bench.tree / "f", "user.note").decode()) == "kept"
    assert bench.inside(lambda: os.getxattr(bench.tree / "d", "user.note").decode()) == "also"
    assert bench.inside(lambda: os.getxattr(bench.tree / "f", "security.capability").hex()) == capability.hex()


def test_devices_are_for_root_alone(bench: Bench):
    raw = tar(folder("dev"), char("dev/null", 1, 3))
    if bench.mode == "root":
        bench.unpack(raw)
        assert (bench.tree / "dev/null").lstat().st_rdev == os.makedev(1, 3)
    else:
        with pytest.raises(DeviceRefused, match=r"'dev/null' is a device node .char 1:3.*as root"):
            bench.unpack(raw)


def test_long_names_and_names_that_are_no_text(bench: Bench):
    long = b"/".join([b"n" * 200] * 12) + b"/\xff\xfe"
    bench.unpack(tar(file(long, b"x"), symlink(b"l" * 255, b"t" * 4000)))
    tree = os.fsencode(bench.tree)
    assert os.stat(tree + b"/" + long).st_size == 1
    assert os.readlink(tree + b"/" + b"l" * 255) == b"t" * 4000


def test_a_folder_may_stand_twice_and_the_last_word_counts(bench: Bench):
    bench.unpack(tar(folder("d", 0o700), file("d/f"), folder("d/", 0o750)))
    assert stat.S_IMODE(status(bench, "d")["mode"]) == 0o750


@pytest.mark.parametrize("cut", [700, 1100])
def test_what_ends_too_early_is_refused(bench: Bench, cut: int):
    with pytest.raises(TruncatedArchive):
        bench.unpack(tar(file("a", b"x" * 2000))[:cut])


def test_a_size_that_is_too_large_for_the_disk_or_the_setting(bench: Bench):
    entry, _ = file("big")
    entry.size = 1 << 55
    with pytest.raises(StoreUnwritable, match="needs more than"):
        bench.unpack(tar((entry, b"")))
    with pytest.raises(ArchiveError, match="IPYCONTAINER_LAYER_BYTES"):
        bench.unpack(tar(file("f", b"x" * 100)), most_bytes=99)
    bench.unpack(tar(file("f", b"x" * 100)), most_bytes=99, without=["sizes"])


def test_more_names_than_the_disk_has(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """Half a kilobyte each in a tar, nearly nothing in a compressed one: everybody's new files would fail."""
    counted = os.fstatvfs

    def few(descriptor: int) -> os.statvfs_result:
        return os.statvfs_result([*counted(descriptor)[:7], 100, *counted(descriptor)[8:10]])

    monkeypatch.setattr(os, "fstatvfs", few)
    raw = tar(*(file(f"f{number}") for number in range(100)))
    with pytest.raises(StoreUnwritable, match="more than the 95 names"):
        bench.unpack(raw)
    bench.unpack(raw, without=["sizes"])


def test_trees_are_removed_whoever_owns_them_and_however_deep(bench: Bench):
    bench.unpack(tar(folder("d", 0o000, uid=(bench.mode != "one" and 1000) or 0), file("d/f", mode=0)))

    def dig() -> None:
        os.chdir(bench.tree)
        for _ in range(1500):
            os.mkdir("d2", 0o700)
            os.chdir("d2")
        open("bottom", "w").close()

    bench.inside(dig)
    outside = bench.folder / "outside"
    outside.mkdir()
    (outside / "keep").touch()
    os.chown(outside, bench.persona.uid, bench.persona.gid)
    os.symlink(outside, bench.folder / "link")
    bench.remove(bench.layer.name, "link", "never-there")
    assert sorted(os.listdir(bench.folder)) == ["outside"]
    assert (outside / "keep").exists(), "a link is removed, not followed"


def test_more_folders_than_there_are_descriptors_lie_too_deep(bench: Bench):
    """As a container leaves them in a volume, or a layer of a megabyte in the store: else nobody could remove it."""
    deep = "/".join(["d"] * 101)
    bench.unpack(tar(*(folder(f"{deep}/x{number}") for number in range(300))))

    def remove_it() -> list[str]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
        above = os.open(bench.tree.parent, os.O_RDONLY | os.O_DIRECTORY)
        remove.remove_tree(above, os.fsencode(bench.tree.name))
        return [name for name in os.listdir(above) if name.startswith(bench.tree.name)]

    assert bench.inside(remove_it) == []


@pytest.mark.parametrize("helps", ["a child", "a child that dies", "nobody"])
def test_a_large_tree_is_removed_from_both_ends(bench: Bench, monkeypatch: pytest.MonkeyPatch, helps: str):
    """Who is faster differs; what is left never: nothing.  What lies too deep, and is moved aside, is among it."""
    names = [file(f"d{one}/e{two}/f{three}") for one in range(12) for two in range(12) for three in range(12)]
    bench.unpack(tar(*names))
    helpers = bench.folder / "helpers"
    helpers.touch(0o666)
    helpers.chmod(0o666)

    def dig() -> None:
        os.chdir(bench.tree / "d5")
        for _ in range(250):
            os.mkdir("deeper", 0o700)
            os.chdir("deeper")

    bench.inside(dig)
    help_out = remove._Removal._help

    def helped(removal: remove._Removal, job: int) -> None:
        with open(helpers, "a", encoding="utf-8") as told:
            told.write("one\n")
        if helps == "a child that dies":
            os.kill(os.getpid(), signal.SIGKILL)
        help_out(removal, job)

    note = remove._Removal._note

    def noted(removal: remove._Removal, count: int) -> None:
        note(removal, count)
        while removal._helper and not helpers.stat().st_size:
            time.sleep(0.001)  # a busy machine lets it begin when all is done, and then it is not let begin at all

    monkeypatch.setattr(remove._Removal, "_help", helped)
    monkeypatch.setattr(remove._Removal, "_note", noted)
    if helps == "nobody":
        monkeypatch.setattr(remove, "ALONE", 1 << 30)
    bench.remove(bench.layer.name)
    assert sorted(os.listdir(bench.folder)) == ["helpers"]
    assert helpers.read_text() == ("" if helps == "nobody" else "one\n")


def test_what_is_known_of_a_layer_lies_beside_its_tree(bench: Bench):
    """Written by the job, before the one sync at its end."""
    answer = bench.unpack(tar(file("f", b"12345"), folder("d")))
    assert json.loads((bench.layer / "layer.json").read_text()) == answer
    assert answer == {
        "mode": bench.mode, "size": 5, "entries": 2, "opaque": False, "left_out": 0, "folded": 0
    }  # fmt: skip
