"""What the default profile costs a start: seccomp and capabilities against neither."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import report
from benchmarks.ground import Ground
from benchmarks.report import Promise
from benchmarks.rounds import in_turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

NAME = "confinement"
HELP = "Engine.run with the default profile against the same without seccomp, and without dropped capabilities"

USUAL, UNFILTERED, BARE = "the default profile", "no seccomp filter", "no filter, every capability"


def run(options: Namespace) -> None:
    promised: list[Promise] = []
    parts: list[str] = []
    with Ground() as ground, ExitStack() as stack:
        ways = {USUAL: (), UNFILTERED: ("--unfiltered",), BARE: ("--bare",)}
        ready = {name: stack.enter_context(ground.engine(*words)) for name, words in ways.items()}
        for gap, length, when in ((0.05, 1, "50 ms apart"), (0.0, 1, "back to back, in turn")):
            times = in_turn(ready, options.rounds, gap, length)
            promised.append(Promise(f"{USUAL} ÷ {BARE}, {when}", 1.3, times.ratio_if_both(USUAL, BARE)))
            rows = [[*report.row(name, times.taken[name]), f"{times.ratio(name, BARE):.2f}"] for name in times.names()]
            parts.append(f"### {when.capitalize()}\n\n{report.table(['', 'median', 'min', 'max', '÷ bare'], rows)}")
    report.write(NAME, "\n".join([report.machine_lines(), report.promises(promised), *parts]))
