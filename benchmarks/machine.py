"""The machine that the figures are from, and the ground that a benchmark stands on."""

from __future__ import annotations

import errno
import os
import platform
import signal
import subprocess
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = os.path.dirname(os.path.abspath(__file__))
CGROUPS = "/sys/fs/cgroup"
MARK = "IPYCONTAINER_BENCHMARK"
"""The variable by which the children of a benchmark that was killed are known."""


def python_for_all() -> str:
    """An interpreter that an ordinary user may run as well: everything is compared on the same one."""
    return "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def compiled(name: str, folder: str) -> str:
    """`benchmarks/NAME.c` compiled into the folder."""
    target = os.path.join(folder, name)
    source = os.path.join(HERE, f"{name}.c")
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", target, source], check=True)
    return target


def first_served(name: str) -> str:
    """Move this process into a CPU group `name` of its own with the greatest share; gives the file that leads back.

    Whatever else runs here then waits for the benchmark, not the other way round; every contender is below it, for
    children are born there and the peers' groups are made there too.  "" where cgroup v1 has no such thing.
    """
    place = f"{CGROUPS}/cpu"
    if not os.path.exists(f"{place}/cpu.shares") and not os.path.exists(f"{place}/tasks"):
        return ""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = [line.rstrip("\n").split(":", 2)[2] for line in file if "cpu" in line.split(":")[1].split(",")]
    os.mkdir(f"{place}/{name}")
    for written, value in (("cpu.shares", "262144"), ("cgroup.procs", "0")):
        with open(f"{place}/{name}/{written}", "w", encoding="ascii") as file:
            file.write(value)
    return f"{place}{own[0]}/cgroup.procs"


def remove_groups(prefix: str) -> None:
    """Remove the cgroups at the top of each hierarchy that are called `prefix` or `prefix-…`, and what is below them.

    Whoever still sits in one was started by the benchmark (children are born where their parents sit) and was
    left by a contender that failed: it is ended.
    """
    for hierarchy in [CGROUPS, *(entry.path for entry in os.scandir(CGROUPS) if entry.is_dir(follow_symlinks=False))]:
        for name in os.listdir(hierarchy):
            if name == prefix or name.startswith(f"{prefix}-"):
                for folder, _, _ in os.walk(os.path.join(hierarchy, name), topdown=False):
                    _remove_group(folder)


def is_benchmark(process: str) -> bool:
    """Whether the process of this number is alive and a benchmark: a number may have gone to somebody else."""
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return b"benchmarks" in file.read().split(b"\0")
    except FileNotFoundError:
        return False


def end_children_of(prefix: str) -> None:
    """End whoever a benchmark has left, where no cgroup tells: its children have its name in their environment."""
    mark = f"{MARK}={prefix}".encode()
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/environ", "rb") as file:
                theirs = mark in file.read().split(b"\0")
            if theirs and int(process) != os.getpid():
                os.kill(int(process), signal.SIGKILL)
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue


def _remove_group(folder: str) -> None:
    for _ in range(100):
        try:
            os.rmdir(folder)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return  # it has just gone by itself
            if error.errno != errno.EBUSY:
                raise
        else:
            return
        with open(f"{folder}/cgroup.procs", encoding="ascii") as file:
            for process in file.read().split():
                try:
                    os.kill(int(process), signal.SIGKILL)
                except ProcessLookupError:
                    continue
        time.sleep(0.05)
    raise RuntimeError(f"{folder} stays busy")


def _first_line(words: Sequence[str]) -> str:
    try:
        said = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return "missing"
    return (said.stdout or said.stderr).strip().splitlines()[0]


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.machine()


def facts() -> dict[str, str]:
    """What a reader needs to judge the figures; no host name, no paths."""
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(file.readline().split()[1]) / 2**20
    version = "v2" if os.path.exists(f"{CGROUPS}/cgroup.controllers") else "v1"
    load = os.getloadavg()[0]
    return {
        "Processor": _processor(),
        "Memory": f"{memory:.0f} GiB",
        "Kernel": platform.release().split("-")[0],
        "Cgroups": version,
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "Load when begun": f"{load:.1f}",
        "Peers": ", ".join(_first_line([name, "--version"]) for name in ("crun", "runc", "bwrap", "podman", "dockerd")),
    }


def in_own_mounts(python: str = "") -> None:
    """Go on in a mount namespace of our own, so that no mount made here can be left behind.

    The process executes itself once more under unshare(1).  Host mounts still arrive (slave), ours do not leave.
    python: the interpreter to go on with, where it is not the one for all.
    """
    mark = "IPYCONTAINER_BENCHMARK_MOUNTS"
    if os.environ.pop(mark, ""):
        return
    os.environ[mark] = "ours"
    again = [python or python_for_all(), "-m", "benchmarks", *sys.argv[1:]]
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "slave", *again])


def journaled_disk(folder: str, size: str = "6G") -> str:
    """A file system of its own, ext4 with a journal, in a file below `folder`, mounted there.

    What a file costs depends on the disk below: one without a journal makes each
    removal slow for minutes after a big tree went.  On this one repeated rounds agree.
    """
    image, place = os.path.join(folder, "disk"), os.path.join(folder, "mounted")
    os.mkdir(place)
    subprocess.run(["truncate", "-s", size, image], check=True)
    quick = "lazy_itable_init=0,lazy_journal_init=0"
    subprocess.run(["mkfs.ext4", "-q", "-E", quick, image], check=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    return place
