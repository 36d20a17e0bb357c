"""Listing 100 containers: `ipycontainer ps` against `docker ps`."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import report
from benchmarks.crowd import started
from benchmarks.docker import Docker
from benchmarks.ground import Ground
from benchmarks.peers import Missing, done
from benchmarks.report import Promise
from benchmarks.rounds import in_turn
from benchmarks.ticking import Ticking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

NAME = "ps"
HELP = "`ipycontainer ps` of 100 running containers against `docker ps` of 100"

COUNT = 100
OURS, DOCKER = "ipycontainer ps", "docker ps"


def crowd_of_ours(ground: Ground, stack: ExitStack) -> Ticking:
    from ipycontainer import Engine

    engine = Engine(f"{ground.disk}/store")
    stack.callback(engine.shutdown)
    containers = started(engine, COUNT, 1)
    for container in containers:
        stack.callback(container.remove, force=True)
    return Ticking([ground.stopwatch, ground.command(), "ps"], ground.environment())


def crowd_of_docker(ground: Ground, stack: ExitStack) -> Ticking:
    docker = stack.enter_context(Docker(ground.disk, ground.prefix))
    docker.load(ground.plain()[1])
    words = docker.client("run", "--detach", "--network", "none", "bench", "sleep", "1000")
    identities = [done(words) for _ in range(COUNT)]
    stack.callback(lambda: done(docker.client("rm", "--force", *identities)))
    return Ticking([ground.stopwatch, *docker.client("ps")])


def run(options: Namespace) -> None:
    missing = ""
    with Ground() as ground, ExitStack() as stack:
        ready = {OURS: stack.enter_context(crowd_of_ours(ground, stack))}
        try:
            ready[DOCKER] = stack.enter_context(crowd_of_docker(ground, stack))
        except Missing as reason:
            missing = f"Left out: docker: {reason}.\n"
        times = in_turn(ready, options.rounds, 0.05)
    rows = [report.row(name, times.taken[name]) for name in times.names()]
    promised = [Promise(f"ipycontainer ps ÷ docker ps, {COUNT} containers", 2, times.ratio_if_both(OURS, DOCKER))]
    table = report.table(["", "median", "min", "max"], rows)
    report.write(NAME, "\n".join([report.machine_lines(), report.promises(promised), table, missing]))
