"""The guest's disks: Debian's root (scripts/guest.sh), this checkout and its libraries, an empty one that lasts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from tests.personas import CHECKOUT

# What the suites import, with what tells pytest of its plugins; the rest of .venv is notebooks' and linters'.
LIBRARIES = (
    "_pytest",
    "pytest",
    "pytest-*",
    "pytest_timeout*",
    "py.py",
    "pluggy",
    "iniconfig",
    "packaging",
    "pygments",
    "hypothesis",
    "_hypothesis*",
    "sortedcontainers",
    "isal",
    "zstandard",
    "pyroute2",
    "traitlets",
)
FOLDERS = ("ipycontainer", "tests", "bin", "benchmarks")
IGNORED = shutil.ignore_patterns("node_modules", "browser", "*.img")


class NoGuest(Exception):
    """Why there is no virtual machine here, in a sentence."""


def images() -> Path:
    """The folder with vmlinuz, initrd and root.img, made where it is missing (two minutes)."""
    done = subprocess.run([CHECKOUT / "scripts" / "guest.sh"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoGuest((done.stderr.strip().splitlines() or ["scripts/guest.sh said nothing"])[-1])
    return Path(done.stdout.strip().splitlines()[-1])


def checkout(folder: Path) -> Path:
    """A disk with this checkout as it lies now, seen in the guest at /checkout."""
    tree = Path(tempfile.mkdtemp(dir=folder))
    tree.chmod(0o755)
    for name in FOLDERS:
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, tree / name, ignore=IGNORED, symlinks=True)
    shutil.copy2(CHECKOUT / "pyproject.toml", tree)
    environment(tree / ".venv")
    image = folder / "checkout.img"
    size = sum(path.lstat().st_size + 4096 for path in tree.rglob("*"))
    make(image, size * 5 // 4 // 2**20 + 64, tree)
    shutil.rmtree(tree)
    return image


def environment(target: Path) -> None:
    """The part of .venv that the suites need; its interpreter is the guest's own."""
    libraries = Path(sysconfig.get_path("purelib"))
    there = target / libraries.relative_to(libraries.parents[2])
    there.mkdir(parents=True)
    for pattern in LIBRARIES:
        for path in libraries.glob(pattern):
            copy = shutil.copytree if path.is_dir() else shutil.copy2
            copy(path, there / path.name)
    (there / "_editable_impl_ipycontainer.pth").write_text("/checkout")
    (target / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    (target / "bin").mkdir()
    for name in ("python", "python3"):
        (target / "bin" / name).symlink_to("/usr/bin/python3")
    shutil.copy2(CHECKOUT / "bin" / "ipycontainer", target / "bin" / "ipycontainer")


def make(image: Path, megabytes: int, tree: Path | None = None) -> Path:
    """An ext4 disk with a journal, holding `tree` where one is given; sparse, so it costs what is in it."""
    with image.open("wb") as file:
        os.truncate(file.fileno(), megabytes << 20)
    command = ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0"]
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    subprocess.run(
        [*command, *(["-d", str(tree)] if tree else []), str(image)],
        check=True,
        capture_output=True,
        env={**os.environ, "PATH": path},
    )
    return image
