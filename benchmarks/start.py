"""One container start: the floor, ours and the peers, in turn, with rest between the starts and without."""

from __future__ import annotations

import time
from contextlib import ExitStack

from benchmarks import report
from benchmarks.docker import Docker
from benchmarks.ground import Ground
from benchmarks.peers import Missing, Peers
from benchmarks.report import Promise
from benchmarks.rounds import Times, in_turn, median
from benchmarks.ticking import Ticking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

NAME = "start"
HELP = "a container that runs `true`: floor.c, Engine.run, our command line, crun, runc, bwrap, podman, docker"

FLOOR, ENGINE = "floor.c, in its process", "Engine.run(remove=True), warm process"
# As the floor was first measured: v1 groups joined as crun and every ordinary program joins them.
FLOOR_PROCS = "floor.c, in its process, joining by cgroup.procs"
WHOLE_FLOOR, COMMAND = "floor.c, whole process", "ipycontainer run --rm base true"
CRUN, RUNC, BWRAP = "crun run", "runc run", "bwrap"
PODMAN, DOCKER = "podman run --rm", "docker run --rm"

# Seconds of rest before each start, starts in a row, and what that is called.
MANNERS = ((0.05, 1, "50 ms apart"), (0.0, 1, "back to back, in turn"), (0.0, 4, "four in a row of each"))


class Contenders:
    """All who can start here, and why the others cannot."""

    def __init__(self, ground: Ground, stack: ExitStack, only: list[str]) -> None:
        self.ground, self.stack, self.only = ground, stack, only
        self.ready: dict[str, Ticking] = {}
        self.missing: dict[str, str] = {}

    def add(self, name: str, make: Callable[[], Ticking]) -> None:
        """Prepare one contender and run it once, so that who cannot run is known before the rounds."""
        if self.only and not any(word in name for word in self.only):
            return
        try:
            contender = make()
            self.stack.callback(contender.close)
            contender()
        except (Missing, OSError, RuntimeError) as error:
            self.missing[name] = str(error)
            print(f"left out: {name}: {error}")
            return
        self.ready[name] = contender

    def _command(self) -> Ticking:
        words = [self.ground.command(), "run", "--rm", "base", "true"]
        return Ticking([self.ground.stopwatch, *words], self.ground.environment())

    def _docker(self) -> Ticking:
        docker = self.stack.enter_context(Docker(self.ground.disk, self.ground.prefix))
        docker.load(self.ground.plain()[1])
        return Ticking([self.ground.stopwatch, *docker.client("run", "--rm", "--network", "none", "bench", "true")])

    def add_all(self) -> None:
        ground = self.ground
        self.add(ENGINE, ground.engine)  # first, for it makes `base`, whose files all others get
        self.add(COMMAND, self._command)
        self.add(FLOOR, lambda: Ticking(ground.floor_words("serve")))
        words = ground.floor_words("serve", name="-procs")
        self.add(FLOOR_PROCS, lambda: Ticking(words, {"FLOOR_JOIN": "cgroup.procs"}))
        self.add(WHOLE_FLOOR, lambda: Ticking([ground.stopwatch, *ground.floor_words("once")]))
        plain, archive = ground.plain()
        peers = Peers(ground.stopwatch, ground.disk, plain, archive, ground.prefix)
        for name, prepared in ((CRUN, peers.crun), (RUNC, peers.runc), (BWRAP, peers.bwrap), (PODMAN, peers.podman)):
            self.add(name, lambda words=prepared: Ticking(words()))  # type: ignore[misc]
        self.add(DOCKER, self._docker)


def steps(ground: Ground, rounds: int, gap: float) -> str:
    """Where the floor's time goes, in microseconds."""
    found: dict[str, list[float]] = {}
    with Ticking(ground.floor_words("steps")) as floor:
        for turn in range(rounds + 5):
            time.sleep(gap)
            for part in floor.line().rstrip("\n").split("\t")[1:]:
                name, taken = part.split("=")
                if turn >= 5:
                    found.setdefault(name, []).append(int(taken) / 1e3)
    return " · ".join(f"{name} {median(taken):.0f}" for name, taken in found.items())


def held(times: Times, when: str, gap: float) -> list[Promise]:
    """What was promised about one start; with slots ready more, and against both kinds of floor."""
    floor, peer = (0.4, 0.2) if gap else (1.7, 0.7)
    return [
        Promise(f"Engine.run ÷ floor.c joining by tasks, {when}", 2, times.ratio_if_both(ENGINE, FLOOR)),
        Promise(f"the same, from a slot, {when}", floor, times.ratio_if_both(ENGINE, FLOOR)),
        Promise(
            f"Engine.run ÷ floor.c joining by cgroup.procs, {when}", floor, times.ratio_if_both(ENGINE, FLOOR_PROCS)
        ),
        Promise(f"Engine.run ÷ crun run, {when}", 1, times.ratio_if_both(ENGINE, CRUN)),
        Promise(f"the same, from a slot, {when}", peer, times.ratio_if_both(ENGINE, CRUN)),
        Promise(f"command line ÷ crun run, {when}", 1.5, times.ratio_if_both(COMMAND, CRUN)),
        Promise(f"command line ÷ podman run, {when}", 0.3, times.ratio_if_both(COMMAND, PODMAN)),
    ]


def figures(times: Times) -> str:
    """A row for each contender: its times, and how often it fits into the floor's and into crun's."""
    order = [FLOOR, FLOOR_PROCS, ENGINE, WHOLE_FLOOR, COMMAND, CRUN, RUNC, BWRAP, PODMAN, DOCKER]
    rows = []
    for name in order:
        if name not in times.taken:
            continue
        floor = FLOOR if name in (FLOOR, FLOOR_PROCS, ENGINE) else WHOLE_FLOOR
        against = [times.ratio_if_both(name, floor), times.ratio_if_both(name, CRUN)]
        rows.append(
            [*report.row(name, times.taken[name]), *("–" if ratio is None else f"{ratio:.2f}" for ratio in against)]
        )
    return report.table(["", "median", "min", "max", "÷ its floor", "÷ crun"], rows)


def run(options: Namespace) -> None:
    parts: list[str] = []
    promised: list[Promise] = []
    with Ground() as ground, ExitStack() as stack:
        contenders = Contenders(ground, stack, options.only)
        contenders.add_all()
        for gap, length, when in MANNERS:
            times = in_turn(contenders.ready, options.rounds, gap, length)
            contenders.missing.update(times.failed)
            promised += held(times, when, gap)
            parts.append(f"### {when.capitalize()}\n\n{figures(times)}")
        spent = steps(ground, options.rounds, 0.05)
        groups = len(ground.groups)
    parts.append(f"Where floor.c's time goes, 50 ms apart, in µs, {groups} cgroups: {spent}.\n")
    left_out = "".join(f"\nLeft out: {name}: {why}." for name, why in contenders.missing.items())
    about = (
        f"{options.rounds} rounds after 5 that are dropped (first touch of memory, caches), contenders in turn in an "
        "order dealt anew, on an ext4 with a journal in a file. Four in a row: the average of the last three, so that "
        "the neighbour before does not count. Same files in all root folders. floor.c and Engine.run "
        "time themselves inside a process that stays; all others are whole processes. crun, runc and bwrap make no "
        f"overlay, bwrap no cgroup.\n{left_out}"
    )
    body = "\n".join([report.machine_lines(), about + "\n", report.promises(promised), *parts])
    report.write(NAME, body, keep=not options.only)
