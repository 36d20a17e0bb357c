"""Many containers at once: how long until they are up, and what memory each one costs us."""

from __future__ import annotations

import time

from benchmarks import report
from benchmarks.ground import Ground
from benchmarks.report import Promise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ipycontainer import Container, Engine

NAME = "crowd"
HELP = "200 sleeping containers: the time until all are up; memory (PSS) of our processes for 1, 10, 200"

# How many, and how many megabytes each may cost.
SIZES = {1: 12.0, 10: 3.0, 200: 1.2}


def pss(process: int) -> float:
    """A process's proportional share of memory, in megabytes."""
    with open(f"/proc/{process}/smaps_rollup", encoding="utf-8") as file:
        lines = [line for line in file if line.startswith("Pss:")]
    return int(lines[0].split()[1]) / 1024


def parent(process: int) -> int:
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def ours(engine: Engine, containers: list[Container]) -> float:
    """PSS of the launcher and of every monitor (the parent of a container's PID 1); the programs are not ours."""
    launcher = engine.launcher.running_pid()
    assert launcher is not None
    return sum(pss(process) for process in {launcher, *(parent(container.pid) for container in containers)})


def grown(engine: Engine, size: int) -> tuple[float, float, float]:
    """Seconds until `size` containers run, megabytes for each, seconds until they are removed."""
    began = time.perf_counter()
    containers = [engine.run("base", ["sleep", "1000"], detach=True) for _ in range(size)]
    up = time.perf_counter() - began
    time.sleep(1)
    memory = ours(engine, containers) / size
    began = time.perf_counter()
    for container in containers:
        container.remove(force=True)
    return up, memory, time.perf_counter() - began


def run(options: Namespace) -> None:
    from ipycontainer import Engine

    rows, promised = [], []
    with Ground() as ground:
        engine = Engine(f"{ground.disk}/store")
        try:
            engine.run("base", ["true"], remove=True)
            for size, limit in SIZES.items():
                # Three times, for the first also pays for what is made once; the middle one counts.
                up, memory, gone = (sorted(values)[1] for values in zip(*(grown(engine, size) for _ in range(3))))
                rows.append([str(size), f"{up:.2f}", f"{memory:.2f}", f"{gone:.2f}"])
                promised.append(Promise(f"PSS of all our processes, for each of {size}", limit, memory, "MB"))
                if size == 200:
                    promised.append(Promise("200 `sleep`s up", 1.5, up, "s"))
        finally:
            engine.shutdown()
    table = report.table(["containers", "up, s", "PSS each, MB", "removed, s"], rows)
    about = "One after the other from one process. PSS counts the launcher and the monitors. Medians of three.\n"
    report.write(NAME, "\n".join([report.machine_lines(), about, report.promises(promised), table]))
