"""`Engine.run` in a process that stays: one run for each line on standard input, in nanoseconds.

    warm_engine.py [COMMAND...]

Says the words of `floor.c serve`, so that both are asked in the same way.
"""

from __future__ import annotations

import sys
import time

from ipycontainer import Engine


def main(command: list[str]) -> None:
    engine = Engine()
    try:
        while sys.stdin.readline() == "\n":
            began = time.perf_counter_ns()
            result = engine.run("base", command, remove=True)
            print(time.perf_counter_ns() - began, result.exit_code, flush=True)
    finally:
        engine.shutdown()


if __name__ == "__main__":
    main(sys.argv[1:] or ["true"])
