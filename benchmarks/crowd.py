"""Many containers at once: how long until they are up, and what memory each one costs us."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks import report
from benchmarks.ground import Ground
from benchmarks.report import Promise
from ipycontainer import Engine, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ipycontainer import Container

NAME = "crowd"
HELP = "200 sleeping containers: the time until all are up; memory (PSS) of our processes for 1, 10, 200"

# How many, and how many megabytes each may cost.
SIZES = {1: 12.0, 10: 3.0, 200: 1.2}
THREADS = 4


def pss(process: int) -> float:
    """A process's proportional share of memory, in megabytes; 0 for one that has just ended."""
    try:
        with open(f"/proc/{process}/smaps_rollup", encoding="utf-8") as file:
            lines = [line for line in file if line.startswith("Pss:")]
    except OSError:
        return 0.0
    return int(lines[0].split()[1]) / 1024


def parents() -> dict[int, int]:
    """Every process's parent."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    found[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return found


def ours(engine: Engine, containers: list[Container]) -> set[int]:
    """The launcher and all that it forked: monitors, and who waits for the next start.  Programs are not ours."""
    launcher = engine.launcher.running_pid()
    assert launcher is not None
    programs = {container.pid for container in containers}
    found, tree = {launcher}, parents()
    for process in sorted(tree):
        line = [process]
        while line[-1] in tree and line[-1] not in (launcher, 0):
            line.append(tree[line[-1]])
        if line[-1] == launcher and not programs & set(line):
            found.add(process)
    return found


def started(engine: Engine, size: int, threads: int) -> list[Container]:
    """`size` sleeping containers, started by so many threads."""

    def start(_number: int) -> Container:
        container = engine.run("base", ["sleep", "1000"], detach=True)
        assert not isinstance(container, Result)
        return container

    if threads == 1:
        return [start(number) for number in range(size)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(start, range(size)))


def grown(engine: Engine, size: int, threads: int = 1) -> tuple[float, float, float]:
    """Seconds until `size` containers run, megabytes for each, seconds until they are removed."""
    began = time.perf_counter()
    containers = started(engine, size, threads)
    up = time.perf_counter() - began
    time.sleep(1)
    memory = sum(map(pss, ours(engine, containers))) / size
    began = time.perf_counter()
    for container in containers:
        container.remove(force=True)
    return up, memory, time.perf_counter() - began


def middle(engine: Engine, size: int, threads: int = 1) -> tuple[float, ...]:
    """Three times, for the first also pays for what is made once; the middle one counts."""
    return tuple(sorted(values)[1] for values in zip(*(grown(engine, size, threads) for _ in range(3))))


def slots_cost(engine: Engine) -> float:
    """Megabytes (PSS) that all our processes take with four slots waiting, less what they take with none."""
    found: dict[int, float] = {}
    for wanted in (4, 0):
        engine.shutdown()
        os.environ["IPYCONTAINER_SLOTS"] = str(wanted)
        for _ in range(8):  # more than wait: a burst that asks for all of them
            engine.run("base", ["true"], remove=True)
        end = time.monotonic() + 10
        while engine.info()["Slots"]["Waiting"] != wanted and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(1)
        found[wanted] = sum(map(pss, ours(engine, [])))
    del os.environ["IPYCONTAINER_SLOTS"]
    engine.shutdown()
    return found[4] - found[0]


def run(options: Namespace) -> None:
    rows, promised = [], []
    with Ground() as ground:
        engine = Engine(f"{ground.disk}/store")
        try:
            engine.run("base", ["true"], remove=True)
            promised.append(Promise("four slots that wait, all told", 6.0, slots_cost(engine), "MB"))
            for size, limit in SIZES.items():
                up, memory, gone = middle(engine, size)
                rows.append([f"{size}, one after the other", f"{up:.2f}", f"{memory:.2f}", f"{gone:.2f}"])
                promised.append(Promise(f"PSS of all our processes, for each of {size}", limit, memory, "MB"))
            promised.append(Promise("200 `sleep`s up, one after the other", 1.5, up, "s"))
            up, memory, gone = middle(engine, 200, THREADS)
            rows.append([f"200, by {THREADS} threads", f"{up:.2f}", f"{memory:.2f}", f"{gone:.2f}"])
            promised.append(Promise(f"200 `sleep`s up, by {THREADS} threads", 1.5, up, "s"))
        finally:
            engine.shutdown()
    table = report.table(["containers", "up, s", "PSS each, MB", "removed, s"], rows)
    about = (
        "From one process that shares one Engine. PSS counts the launcher and all that it forked (monitors, whoever "
        "waits for the next start), not the containers' own programs. Medians of three.\n"
    )
    report.write(NAME, "\n".join([report.machine_lines(), about, report.promises(promised), table]))
