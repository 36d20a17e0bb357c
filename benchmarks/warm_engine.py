"""`Engine.run` in a process that stays: one run for each line on standard input, in nanoseconds.

    warm_engine.py [--cold] [COMMAND...]

Says the words of `floor.c serve`, so that both are asked in the same way.  With
--cold the launcher is asked to leave before each run, outside the time taken.
"""

from __future__ import annotations

import sys
import time

from ipycontainer import Engine


def main(cold: bool, command: list[str]) -> None:
    engine = Engine()
    engine.run("base", command, remove=True)  # makes `base` where there is none; not a round
    try:
        while sys.stdin.readline() == "\n":
            if cold:
                engine.shutdown()
            began = time.perf_counter_ns()
            result = engine.run("base", command, remove=True)
            print(time.perf_counter_ns() - began, result.exit_code, flush=True)
    finally:
        engine.shutdown()


if __name__ == "__main__":
    words = sys.argv[1:]
    main("--cold" in words, [word for word in words if word != "--cold"] or ["true"])
