"""The ground a benchmark stands on: a folder, a disk, compiled programs, and their removal."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import tempfile

from benchmarks import machine, rootfs
from benchmarks.machine import python_for_all
from benchmarks.ticking import Ticking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

PROJECT = os.path.dirname(machine.HERE)
_PREFIX = "ipycontainer-bench-"
# podman makes this whatever its folders are.
_FOREIGN = ("/dev/shm/libpod_lock",)


def parents_of_groups() -> list[str]:
    """The cgroup folders below which the runtime puts a container without limits: the floor makes the same number."""
    from ipycontainer.linux.cgroups import Limits, plan_cgroup, read_layout

    leaves = plan_cgroup(read_layout(), "floor", Limits()).leaves
    return [os.path.dirname(os.path.dirname(leaf)) for leaf in leaves]


def remove_dead() -> None:
    """Remove what benchmarks that were killed have left: everything of theirs is named after their process.

    Their mounts, and with them the loop device, go with the last process in their mount namespace.
    """
    groups = [name for folder in os.scandir(machine.CGROUPS) if folder.is_dir() for name in os.listdir(folder)]
    names = [*(os.path.basename(place) for place in glob.glob(f"/tmp/{_PREFIX}*")), *groups]
    prefixes = {name[: len(_PREFIX)] + _number(name) for name in names if name.startswith(_PREFIX) and _number(name)}
    for prefix in prefixes:
        if machine.is_benchmark(_number(prefix)):
            continue
        machine.remove_groups(prefix)
        machine.end_children_of(prefix)
        for record in glob.glob(f"/tmp/{prefix}-*/foreign"):
            with open(record, encoding="utf-8") as file:
                for place in file.read().split("\n"):
                    if place in _FOREIGN and os.path.exists(place):
                        os.unlink(place)
        for place in glob.glob(f"/tmp/{prefix}-*"):
            shutil.rmtree(place, ignore_errors=True)


def _number(name: str) -> str:
    return name[len(_PREFIX) :].partition("-")[0]


class Ground:
    """A fresh store on a disk of its own, for as long as the `with` lasts.

    Needs root and a mount namespace of its own (`machine.in_own_mounts`).
    """

    def __init__(self, size: str = "6G") -> None:
        remove_dead()
        self.prefix = f"{_PREFIX}{os.getpid()}"
        os.environ[machine.MARK] = self.prefix
        self.folder = tempfile.mkdtemp(prefix=f"{self.prefix}-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.disk = machine.journaled_disk(self.folder, size)
        self.floor = machine.compiled("floor", self.folder)
        self.stopwatch = machine.compiled("stopwatch", self.folder)
        # What was there before us is somebody's.
        self.foreign = [place for place in _FOREIGN if not os.path.exists(place)]
        with open(os.path.join(self.folder, "foreign"), "w", encoding="utf-8") as file:
            file.write("".join(f"{place}\n" for place in self.foreign))
        self.way_back = machine.first_served(self.prefix)
        self.groups = parents_of_groups()

    def environment(self, store: str = "store") -> dict[str, str]:
        """What a process of ours needs to use the store of that name on this disk."""
        return {"IPYCONTAINER_ROOT": f"{self.disk}/{store}", "PYTHONPATH": PROJECT, "PYTHONDONTWRITEBYTECODE": ""}

    def engine(self, *words: str, store: str = "store", user: int = 0) -> Ticking:
        """`warm_engine.py` with a store on this disk."""
        script = os.path.join(machine.HERE, "warm_engine.py")
        return Ticking([python_for_all(), script, *words], self.environment(store), user)

    def command(self) -> str:
        """The command line as an environment has it: its script beside an interpreter that ordinary users may run."""
        venv = f"{self.folder}/venv"
        script = f"{venv}/bin/ipycontainer"
        if not os.path.exists(script):
            subprocess.run([python_for_all(), "-m", "venv", "--without-pip", venv], check=True)
            shutil.copy(f"{PROJECT}/bin/ipycontainer", script)
            site_packages = glob.glob(f"{venv}/lib/python*/site-packages")[0]
            with open(f"{site_packages}/_editable_impl_ipycontainer.pth", "w", encoding="utf-8") as file:
                file.write(PROJECT + "\n")
        return script

    def lowers(self) -> list[str]:
        """The layers of `base` in the store; a root folder made from host files where there are none."""
        found = sorted(glob.glob(f"{self.disk}/store/layers/*/tree"))
        if found:
            return found
        made = f"{self.disk}/small"
        if not os.path.isdir(made):
            rootfs.from_host(made)
        return [made]

    def plain(self) -> tuple[str, str]:
        """The same files as one plain folder and as an archive."""
        folder, archive = f"{self.disk}/plain", f"{self.disk}/plain.tar"
        if not os.path.isdir(folder):
            os.mkdir(folder)
            rootfs.flattened(self.lowers(), folder)
            rootfs.archive(folder, archive)
        return folder, archive

    def floor_words(self, mode: str, command: Sequence[str] = ("true",), name: str = "") -> list[str]:
        """name: of its folder, where two floors of one mode run in turn."""
        where = f"{self.disk}/floor-{mode}{name}"
        return [self.floor, mode, ":".join(self.lowers()), where, *self.groups, "--", *command]

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", self.disk], check=False)
        for place in glob.glob(f"/tmp/{self.prefix}-*"):
            shutil.rmtree(place, ignore_errors=True)
        if self.way_back:
            with open(self.way_back, "w", encoding="ascii") as file:
                file.write("0")
        for place in self.foreign:
            if os.path.exists(place):
                os.unlink(place)
        machine.remove_groups(self.prefix)
        for group in self.groups:
            for left in glob.glob(f"{group}/floor-*"):
                if not os.path.exists(f"/proc/{left.rpartition('-')[2]}"):
                    os.rmdir(left)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
