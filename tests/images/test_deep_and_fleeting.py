"""Trees as only a container or an archive makes them: deeper than a path is long, and gone while they are read."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from ipycontainer.errors import ArchiveError
from ipycontainer.images.inside.changes import changes
from ipycontainer.images.inside.stack import Stack
from tests.images.forked import Bench
from tests.images.tars import char, file, folder, symlink, tar
from tests.personas import Persona

DEEP = 1900  # levels: more than Python's stack has, and still a path that can be said
SET_BACK = f"""
for _ in range({DEEP}):
    os.chdir("..")
    os.utime("d", (1_700_000_000, 1_700_000_000))
"""
MAKE = f"""
import os
for _ in range({DEEP}):
    os.mkdir("d")
    os.chdir("d")
{SET_BACK}"""
CHANGE = f"""
import os
for _ in range({DEEP}):
    os.chdir("d")
open("new", "w").close()
{SET_BACK}"""
TOO_DEEP = """
import os
for _ in range(5000):
    os.mkdir("d")
    os.chdir("d")
"""


def test_a_change_far_below_folders_whose_times_were_set_back(persona: Persona):
    persona.ok("run", "--name", "deep-maker", "base", "python3", "-c", MAKE)
    persona.ok("commit", "deep-maker", "deep:1")
    try:
        persona.ok("run", "--name", "deep-user", "deep:1", "python3", "-c", CHANGE)
        lines = persona.ok("diff", "deep-user").splitlines()
        assert f"A {'/d' * DEEP}/new" in lines
        assert {f"C {'/d' * depth}" for depth in (1, DEEP // 2, DEEP)} <= set(lines)
    finally:
        persona.ok("rm", "-f", "deep-maker", "deep-user")
        persona.ok("rmi", "deep:1")


def test_what_lies_too_deep_is_a_sentence_and_can_be_removed(persona: Persona):
    persona.ok("run", "--name", "too-deep", "base", "python3", "-c", TOO_DEEP)
    for words in (["diff", "too-deep"], ["commit", "too-deep"], ["export", "too-deep"], ["cp", "too-deep:/d", "-"]):
        done = persona.cli(*words)
        assert done.exit_code == 1 and "lies too deep" in done.err, done
        assert done.err.count("\n") == 1 and len(done.err) < 400, done
    persona.ok("ps", "-as")
    persona.ok("rm", "too-deep")


def test_a_file_far_below_folders_that_no_entry_names(persona: Persona, bench: Bench):
    name = "d/" * DEEP + "f"
    assert bench.unpack(tar(file(name, b"x")))["entries"] == 1
    persona.ok("run", "-d", "--name", "deep-target", "base", "sleep", "1000")
    try:
        persona.ok("cp", "-", "deep-target:/", input=tar(file(name, b"x")))
        assert persona.ok("exec", "deep-target", "cat", f"/{name}") == "x"
    finally:
        persona.ok("rm", "-f", "deep-target")


def test_a_name_of_the_longest_is_removed_in_a_commit(persona: Persona):
    """Its whiteout is longer than any name may be."""
    name = "n" * 255
    try:
        persona.ok("run", "--name", "longest-made", "base", "touch", f"/tmp/{name}", "/tmp/stays")
        persona.ok("commit", "longest-made", "longest:1")
        persona.ok("run", "--name", "longest-gone", "longest:1", "rm", f"/tmp/{name}")
        persona.ok("commit", "longest-gone", "longest:2")
        assert persona.ok("run", "--rm", "longest:2", "ls", "/tmp") == "stays"
    finally:
        persona.ok("rm", "longest-made", "longest-gone")
        persona.ok("rmi", "longest:2", "longest:1")


NUMBERS = {
    "an owner": file("f", uid=10**19),
    "a folder's": folder("f", gid=10**19),
    "a link's": symlink("f", "x", uid=1 << 40),
}


@pytest.mark.parametrize("what", NUMBERS)
def test_numbers_that_the_kernel_has_no_room_for(persona: Persona, bench: Bench, what: str):
    if persona.name == "solo":
        return  # there owners are kept beside the tree
    with pytest.raises(ArchiveError, match=r"'f/?' has an owner, .* larger than any can be"):
        bench.unpack(tar(NUMBERS[what]))


def test_an_export_goes_on_where_files_go_away_meanwhile(persona: Persona):
    """The first file fills all pipes on the way, so whoever packs has seen the others and has not opened them."""
    make = "head -c 8000000 /dev/zero > /a; echo x > /b; ln /b /c; mkdir /d; echo y > /d/e; ln -s q /l; sleep 1000"
    persona.ok("run", "-d", "--name", "fleeting", "base", "sh", "-c", make)
    try:
        persona.ok("exec", "fleeting", "sh", "-c", "until [ -L /l ]; do :; done")
        process = persona.popen(["ipycontainer", "export", "fleeting"])
        assert process.stdout is not None
        start = os.read(process.stdout.fileno(), 512)  # past no buffer: the rest is read from the pipe
        persona.ok("exec", "fleeting", "rm", "-r", "/b", "/d", "/l")
        rest, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        with tarfile.open(fileobj=io.BytesIO(start + rest)) as archive:
            names = archive.getnames()
            assert {"a", "c"} <= set(names) and not {"b", "d/e", "l"} & set(names)
            assert archive.extractfile("c").read() == b"x\n"  # type: ignore[union-attr]
    finally:
        persona.ok("rm", "-f", "fleeting")


def test_a_diff_goes_on_where_folders_go_away_meanwhile(tmp_path: Path):
    (tmp_path / "stays").mkdir()
    (tmp_path / "goes/below").mkdir(parents=True)

    class Racing(Stack):
        def look_raw(self, path: bytes) -> dict[bytes, os.stat_result]:
            found = super().look_raw(path)
            shutil.rmtree(tmp_path / "goes", ignore_errors=True)
            return found

    root = os.open(tmp_path, os.O_RDONLY)
    try:
        assert changes(Racing([root], "root"), Stack([], "root"))[b"stays"] == "A"
    finally:
        os.close(root)


def test_a_devices_number_that_is_none(persona: Persona, bench: Bench):
    if persona.name == "root":
        with pytest.raises(ArchiveError, match=r"'f' has .* a device's number"):
            bench.unpack(b"".join(_with_major(1 << 50)))


def _with_major(major: int) -> tuple[bytes, bytes]:
    raw = bytearray(tar(char("f", 1, 1)))
    raw[329:337] = b"\x80" + major.to_bytes(7, "big")
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return bytes(raw[:512]), bytes(raw[512:])
