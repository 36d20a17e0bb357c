"""One more program in a running container: ours and the peers, in turn."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack

from benchmarks import bundle, machine, report
from benchmarks.docker import Docker
from benchmarks.ground import Ground
from benchmarks.peers import Missing, done, need, without_hybrid
from benchmarks.report import Promise
from benchmarks.rounds import Times, in_turn
from benchmarks.ticking import Ticking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

NAME = "exec"
HELP = "`true` in a container that runs: Container.exec, our command line, crun, runc and docker exec"

ENGINE, COMMAND = "Container.exec, warm process", "ipycontainer exec NAME true"
CRUN, RUNC, DOCKER = "crun exec", "runc exec", "docker exec"
MANNERS = ((0.05, "50 ms apart"), (0.0, "back to back, in turn"))
_SLEEPER = "sleeper"


def add_ours(ground: Ground, stack: ExitStack, ready: dict[str, Ticking]) -> None:
    """A container of ours, and the two ways into it."""
    script = os.path.join(machine.HERE, "warm_exec.py")
    words = [machine.python_for_all(), script, _SLEEPER]
    ready[ENGINE] = stack.enter_context(Ticking(words, ground.environment()))
    ready[ENGINE]()  # makes `base` and the container
    words = [ground.stopwatch, ground.command(), "exec", _SLEEPER, "true"]
    ready[COMMAND] = stack.enter_context(Ticking(words, ground.environment()))


def add_runtime(name: str, ground: Ground, stack: ExitStack, rootfs: str) -> Ticking:
    """A container of crun or runc."""
    place = os.path.join(ground.disk, f"exec-{name}")
    bundle.write(place, rootfs, ["sleep", "1000"], f"/{ground.prefix}/exec-{name}")
    words, container = [need(name), "--root", f"{place}/state"], f"{ground.prefix}-exec-{name}"
    around = without_hybrid if name == "crun" else list
    with open(os.devnull, "wb") as null:
        started = around([*words, "run", "--detach", "--bundle", place, container])
        if subprocess.run(started, stdin=null, stdout=null, stderr=null, check=False).returncode:
            raise Missing(f"{name} cannot start a container in the background here")
    end = around([*words, "delete", "--force", container])
    stack.callback(subprocess.run, end, capture_output=True, check=False)
    return stack.enter_context(Ticking(around([ground.stopwatch, *words, "exec", container, "true"])))


def add_docker(ground: Ground, stack: ExitStack, archive: str) -> Ticking:
    docker = stack.enter_context(Docker(ground.disk, ground.prefix))
    docker.load(archive)
    container = done(docker.client("run", "-d", "--network", "none", "bench", "sleep", "1000"))
    stack.callback(subprocess.run, docker.client("rm", "-f", container), capture_output=True, check=False)
    return stack.enter_context(Ticking([ground.stopwatch, *docker.client("exec", container, "true")]))


def held(times: Times, when: str) -> list[Promise]:
    return [Promise(f"Container.exec ÷ crun exec, {when}", 0.2, times.ratio_if_both(ENGINE, CRUN))]


def run(options: Namespace) -> None:
    promised: list[Promise] = []
    parts: list[str] = []
    missing: dict[str, str] = {}
    with Ground() as ground, ExitStack() as stack:
        ready: dict[str, Ticking] = {}
        add_ours(ground, stack, ready)
        plain, archive = ground.plain()
        makers = {
            CRUN: lambda: add_runtime("crun", ground, stack, plain),
            RUNC: lambda: add_runtime("runc", ground, stack, plain),
            DOCKER: lambda: add_docker(ground, stack, archive),
        }
        for name, make in makers.items():
            try:
                ready[name] = make()
                ready[name]()
            except (Missing, OSError, RuntimeError) as error:
                ready.pop(name, None)
                missing[name] = str(error)
        for gap, when in MANNERS:
            times = in_turn(ready, options.rounds, gap)
            promised += held(times, when)
            rows = []
            for name in times.names():
                ratio = times.ratio_if_both(name, CRUN)
                rows.append([*report.row(name, times.taken[name]), "–" if ratio is None else f"{ratio:.2f}"])
            parts.append(f"### {when.capitalize()}\n\n{report.table(['', 'median', 'min', 'max', '÷ crun'], rows)}")
    left_out = "".join(f"\nLeft out: {name}: {why}.\n" for name, why in missing.items())
    report.write(NAME, "\n".join([report.machine_lines(), left_out, report.promises(promised), *parts]))
