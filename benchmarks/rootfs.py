"""The same few files for every contender: `true`, `sleep` and a shell of this host, with what they load."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

PROGRAMS = ("true", "sleep", "sh")
FOLDERS = ("proc", "sys", "dev", "tmp", "etc", "root", "bin")


def _libraries(program: str) -> list[str]:
    """The files that the loader would map for a program of this host."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return sorted(set(re.findall(r"/\S+", said)))


def from_host(target: str, programs: tuple[str, ...] = PROGRAMS) -> None:
    """A root folder made of host files."""
    for name in FOLDERS:
        os.makedirs(os.path.join(target, name), exist_ok=True)
    for name in programs:
        found = shutil.which(name, path="/bin:/usr/bin")
        if not found:
            raise RuntimeError(f"no program {name} on this host to build a root folder from")
        shutil.copy(found, os.path.join(target, "bin", name))
        for library in _libraries(found):
            place = target + library
            os.makedirs(os.path.dirname(place), exist_ok=True)
            shutil.copy(library, place)


def flattened(lowers: list[str], target: str) -> None:
    """One plain folder from overlay lowers (top first), for peers that have no overlay of their own.

    Whiteouts do not matter here: the layers of `base` delete nothing.
    """
    for lower in reversed(lowers):
        subprocess.run(["cp", "-a", f"{lower}/.", target], check=True)
    for name in FOLDERS:
        os.makedirs(os.path.join(target, name), exist_ok=True)


def archive(folder: str, target: str) -> None:
    """The folder as a tar file, for `docker import` and `podman import`."""
    subprocess.run(["tar", "-C", folder, "--numeric-owner", "-cf", target, "."], check=True)
