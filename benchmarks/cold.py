"""The first run after a cold launcher, and the first of all: stated, not promised."""

from __future__ import annotations

import time

from benchmarks import report
from benchmarks.ground import Ground
from benchmarks.rounds import in_turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

NAME = "cold"
HELP = "the first run where no launcher is there yet, against one where it is"

WARM, COLD = "Engine.run, launcher there", "Engine.run, launcher gone"


def run(options: Namespace) -> None:
    with Ground() as ground:
        began = time.perf_counter()
        with ground.engine() as warm:
            warm()
            first = time.perf_counter() - began
            with ground.engine("--cold", store="other") as cold:
                times = in_turn({WARM: warm, COLD: cold}, options.rounds, 0.05)
    rows = [report.row(name, times.taken[name]) for name in (WARM, COLD)]
    said = (
        f"\nThe very first run, an interpreter to start and `base` to make from this machine included: {first:.2f} s.\n"
    )
    report.write(NAME, report.machine_lines() + "\n" + report.table(["", "median", "min", "max"], rows) + said)
