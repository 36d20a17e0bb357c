"""`Engine.run` in a process that stays: one run for each line on standard input, in nanoseconds.

    warm_engine.py [--cold] [--unfiltered | --bare] [COMMAND...]

Says the words of `floor.c serve`, so that both are asked in the same way.  With
--cold the launcher is asked to leave before each run, outside the time taken; with
--unfiltered there is no seccomp filter, with --bare every capability is kept as well.
"""

from __future__ import annotations

import sys
import time

from ipycontainer import Engine

OPTIONS = ("--cold", "--unfiltered", "--bare")


def main(asked: set[str], command: list[str]) -> None:
    engine = Engine()
    filters = ["seccomp=unconfined"] if asked & {"--unfiltered", "--bare"} else []
    capabilities = ["ALL"] if "--bare" in asked else []
    engine.run("base", command, remove=True)  # makes `base` where there is none; not a round
    try:
        while sys.stdin.readline() == "\n":
            if "--cold" in asked:
                engine.shutdown()
            began = time.perf_counter_ns()
            result = engine.run("base", command, remove=True, security_opt=filters, cap_add=capabilities)
            print(time.perf_counter_ns() - began, result.exit_code, flush=True)
    finally:
        engine.shutdown()


if __name__ == "__main__":
    words = sys.argv[1:]
    main(set(words).intersection(OPTIONS), [word for word in words if word not in OPTIONS] or ["true"])
