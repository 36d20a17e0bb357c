"""A thousand containers alive at once, from one process that may open 1,024 files: up, looked at, gone."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks import report
from benchmarks.crowd import THREADS, ours, pss
from benchmarks.ground import Ground
from benchmarks.report import Promise
from benchmarks.rounds import median
from ipycontainer import Engine, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ipycontainer import Container

NAME = "thousand"
HELP = "1,000 containers with logs, half of them with limits: start, `ps`, memory, kill and remove"

SIZE = 1000
LOOKS = 11


def started(engine: Engine) -> list[Container]:
    """All of them, by THREADS threads; each second one may take 32 MB and 20 processes."""

    def start(number: int) -> Container:
        limits = {"memory": "32m", "pids_limit": 20} if number % 2 else {}
        container = engine.run("base", ["sh", "-c", "echo on; exec sleep 1000"], detach=True, **limits)
        assert not isinstance(container, Result)
        return container

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(SIZE)))


def looked_at(engine: Engine, ground: Ground) -> tuple[float, float]:
    """Milliseconds of a list of all: in this process, and as a whole command."""
    command = [ground.command(), "ps", "-q"]
    environment = {**os.environ, **ground.environment()}
    inside, outside = [], []
    for _ in range(LOOKS):
        began = time.perf_counter()
        found = len(engine.containers())
        inside.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        lines = subprocess.run(command, env=environment, capture_output=True, check=True).stdout.split()
        outside.append((time.perf_counter() - began) * 1000)
        if found != SIZE or len(lines) != SIZE:
            raise RuntimeError(f"{found} and {len(lines)} containers run, not {SIZE}")
    return median(inside), median(outside)


def removed(containers: list[Container]) -> float:
    """Seconds until all are killed and removed."""
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda container: container.remove(force=True), containers))
    return time.perf_counter() - began


def run(options: Namespace) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    with Ground() as ground:
        engine = Engine(f"{ground.disk}/store")
        try:
            engine.run("base", ["true"], remove=True)
            time.sleep(1)
            began = time.perf_counter()
            containers = started(engine)
            up = time.perf_counter() - began
            time.sleep(1)
            inside, outside = looked_at(engine, ground)
            memory = sum(map(pss, ours(engine, containers))) / SIZE
            said = sum(container.logs() == b"on\n" for container in containers)
            gone = removed(containers)
            left = len(engine.containers(all=True))
        finally:
            engine.shutdown()
    promised = [
        Promise("all are up", 6.0, up, "s"),
        Promise("`ps` from Engine", 50.0, inside, "ms"),
        Promise("`ps -q` as a command", 80.0, outside, "ms"),
        Promise("our memory (PSS) for each", 1.2, memory, "MB"),
        Promise("all are killed and removed", 6.0, gone, "s"),
    ]
    about = (
        f"From one process with nofile 1024, by {THREADS} threads: `sh -c 'echo on; exec sleep 1000'`, each second one "
        f"with `-m 32m --pids-limit 20`. {said} of {SIZE} logs hold their line; {left} containers are left at the end. "
        "Lists: medians of 11.\n"
    )
    report.write(NAME, "\n".join([report.machine_lines(), about, report.promises(promised)]))
