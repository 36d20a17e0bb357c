"""`Container.exec` in a process that stays: one for each line on standard input, in nanoseconds.

    warm_exec.py NAME

The container NAME is made first, and removed at the end.  Says the words of `floor.c serve`.
"""

from __future__ import annotations

import sys
import time

from ipycontainer import Engine, Result


def main(name: str) -> None:
    engine = Engine()
    container = engine.run("base", ["sleep", "1000"], name=name, detach=True)
    assert not isinstance(container, Result)
    try:
        while sys.stdin.readline() == "\n":
            began = time.perf_counter_ns()
            result = container.exec(["true"])
            print(time.perf_counter_ns() - began, result.exit_code, flush=True)
    finally:
        container.remove(force=True)
        engine.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
