"""What `base` takes from the host: the libraries are those that the loader itself would find."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from ipycontainer.images.base import build, elf
from ipycontainer.images.base.host_files import add_command, find_python, python_files, shell_files
from ipycontainer.images.base.selection import Selection


@pytest.fixture(scope="module")
def shell() -> Selection:
    return shell_files()


def ldd(path: str) -> set[str]:
    """What the real loader loads, as real paths.  Only a test may ask it: it runs the file."""
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    return {os.path.realpath(found) for found in re.findall(r"(?:=> |\t)(/\S+) \(0x", said)}


@pytest.mark.parametrize("program", ["/bin/sh", "/usr/bin/ls", "/usr/bin/ps", "/usr/bin/find", "/usr/bin/python3"])
def test_the_libraries_are_the_loaders(program: str):
    selection = Selection(elf.Finder())
    assert selection.add(program)
    assert ldd(program) - {os.path.realpath(program)} == set(selection.files) - {os.path.realpath(program)}


def test_what_is_no_elf_file(tmp_path: Path):
    for content in (b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF" + b"\xff" * 200, b"\x7fELF\x02\x01" + b"\xff" * 58):
        path = tmp_path / "x"
        path.write_bytes(content)
        assert elf.read(str(path)) is None or elf.read(str(path)).needed == ()


def test_every_link_leads_somewhere(shell: Selection):
    python = python_files(shell)
    there = {**shell.files, **python.files, **shell.links, **python.links, **shell.folders, **python.folders}

    def resolve(path: str, depth: int = 0) -> str:
        assert depth < 20, path
        at = "/"
        for position, part in enumerate(parts := [part for part in path.split("/") if part not in ("", ".")]):
            at = os.path.dirname(at) if part == ".." else os.path.join(at, part)
            if at != "/":
                assert at in there, f"{path}: {at} is missing"
            target = shell.links.get(at) or python.links.get(at)
            if target:
                return resolve(os.path.join(os.path.dirname(at), target, *parts[position + 1 :]), depth + 1)
        return at

    for path in there:
        resolve(path)
    for command in ("sh", "ls", "cat", "id", "hostname", "sleep", "mount", "env", "grep", "sed", "awk", "ps"):
        assert any(f"{folder}/{command}" in there for folder in ("/usr/bin", "/bin", "/usr/sbin")), command
    assert resolve("/usr/bin/python3") in python.files


def test_the_second_layer_repeats_nothing(shell: Selection):
    python = python_files(shell)
    for mine, theirs in ((python.files, shell.files), (python.links, shell.links), (python.folders, shell.folders)):
        assert set(mine) & set(theirs) == set()


def test_the_same_files_give_the_same_bytes(shell: Selection):
    first = b"".join(build.tar(shell, 1))
    assert first == b"".join(build.tar(shell_files(), 1))
    entries = shell.entries(1)
    assert all((entry.uid, entry.gid) == (0, 0) for entry, _ in entries)
    assert all(not entry.mode & 0o6000 for entry, _ in entries), "a copy has no right to set-user-ID bits"
    names = [entry.name for entry, _ in entries]
    assert names == sorted(set(names))


def test_merged_folders_are_as_on_the_host(shell: Selection):
    for name in ("/bin", "/lib", "/lib64", "/sbin"):
        if os.path.islink(name):
            assert shell.links[name] == os.readlink(name)
        elif os.path.isdir(name):
            assert name in shell.folders


def test_scripts_of_other_languages_stay_behind(shell: Selection, tmp_path: Path):
    assert not add_command(shell, "no-such-command-anywhere")
    program, library = find_python()
    assert os.path.isfile(program)
    assert os.path.isfile(os.path.join(library, "os.py"))


def test_a_library_with_a_path_of_its_own(tmp_path: Path):
    """$ORIGIN and ld.so.conf, with real libraries under new names."""
    configuration = tmp_path / "ld.so.conf"
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "libs").mkdir()
    configuration.write_text("# first\ninclude conf.d/*.conf\n")
    (tmp_path / "conf.d" / "own.conf").write_text(f"{tmp_path}/libs # mine\n")
    finder = elf.Finder(str(configuration))
    sample = elf.read("/bin/sh")
    assert sample is not None
    libc = next(path for name, path in elf.Finder().needed("/bin/sh", sample) if name.startswith("libc.so"))
    assert libc is not None
    (tmp_path / "libs" / "libown.so").write_bytes(Path(libc).read_bytes())
    asks = sample.replace(needed=("libown.so",))
    assert list(finder.needed("/bin/sh", asks)) == [("libown.so", f"{tmp_path}/libs/libown.so")]
    program = tmp_path / "bin" / "program"
    program.parent.mkdir()
    program.touch()
    for origin in ("$ORIGIN/../libs", "${ORIGIN}/../libs"):
        asks = sample.replace(needed=("libown.so",), runpath=(origin,))
        found = list(elf.Finder("/nonexistent").needed(str(program), asks))
        assert found == [("libown.so", f"{tmp_path}/bin/../libs/libown.so")]
    other = asks.replace(machine=sample.machine + 1)
    assert next(iter(finder.needed("/bin/sh", other)))[1] is None, "a library of another machine is none"
