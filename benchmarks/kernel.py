"""A Jupyter kernel in a container against the same kernel outside: its start, and one cell's round trip."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack

from benchmarks import report
from benchmarks.ground import Ground
from benchmarks.report import Promise
from benchmarks.rounds import in_turn, median

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

NAME = "kernel"
NEEDS_PACKAGES = True
HELP = "a Jupyter kernel in a container against the same kernel outside: start, and one print cell's round trip"

INSIDE, ALONE, OUTSIDE = "in a container", "in a container, over TCP", "outside"
_CELLS_A_TURN = 10


class Kernel:
    """A kernel of one spec, driven as a notebook's server drives it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.manager: Any = None
        self.client: Any = None

    def start(self) -> float:
        """From the wish to the first answer, in milliseconds."""
        from jupyter_client.manager import KernelManager

        begun = time.perf_counter()
        self.manager = KernelManager(kernel_name=self.name)
        self.manager.start_kernel(stderr=subprocess.DEVNULL)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        return (time.perf_counter() - begun) * 1e3

    def cell(self) -> float:
        """The median of a few `print` cells, each from sending it to its kernel's being idle again."""
        taken = []
        for _ in range(_CELLS_A_TURN):
            begun = time.perf_counter()
            ticket = self.client.execute("print('hello')")
            while True:
                message = self.client.get_iopub_msg(timeout=30)
                ours = message["parent_header"].get("msg_id") == ticket
                if ours and message["content"].get("execution_state") == "idle":
                    break
            self.client.get_shell_msg(timeout=30)
            taken.append((time.perf_counter() - begun) * 1e3)
        return median(taken)

    def stop(self) -> None:
        if self.manager is None:
            return
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager = None

    def start_and_stop(self) -> float:
        taken = self.start()
        self.stop()
        return taken


def installed(ground: Ground) -> dict[str, str]:
    """Specs of the three, in a folder of the benchmark's own; their names by contender."""
    import json

    data = f"{ground.folder}/jupyter"
    os.environ.update(JUPYTER_DATA_DIR=data, JUPYTER_RUNTIME_DIR=f"{data}/run", IPYTHONDIR=f"{data}/ipython")
    os.environ["IPYCONTAINER_ROOT"] = f"{ground.disk}/store"
    os.makedirs(f"{data}/run")
    program = os.path.join(os.path.dirname(sys.executable), "ipycontainer")
    for name in ("inside", "alone"):
        subprocess.run([program, "kernel", "install", "--user", "--name", name], check=True, capture_output=True)
    path = f"{data}/kernels/alone/kernel.json"
    with open(path, encoding="utf-8") as file:
        spec = json.load(file)
    del spec["metadata"]["kernel_provisioner"]  # as a front end sees it that knows no provisioners
    with open(path, "w", encoding="utf-8") as file:
        json.dump(spec, file)
    os.makedirs(f"{data}/kernels/outside")
    with open(f"{data}/kernels/outside/kernel.json", "w", encoding="utf-8") as file:
        words = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        json.dump({"argv": words, "display_name": "outside", "language": "python"}, file)
    return {INSIDE: "inside", ALONE: "alone", OUTSIDE: "outside"}


def run(options: Namespace) -> None:
    with Ground() as ground, ExitStack() as stack:
        names = installed(ground)
        starts = in_turn({who: Kernel(name).start_and_stop for who, name in names.items()}, options.rounds, 0.05)
        running = {who: Kernel(name) for who, name in names.items()}
        for kernel in running.values():
            stack.callback(kernel.stop)
            kernel.start()
        cells = in_turn({who: kernel.cell for who, kernel in running.items()}, options.rounds, 0.0)
        from ipycontainer import Engine

        stack.push(lambda *_: Engine().shutdown())
    promised = [
        Promise("start, in a container ÷ outside", 1.3, starts.ratio_if_both(INSIDE, OUTSIDE)),
        Promise("one print cell, in a container ÷ outside", 1.1, cells.ratio_if_both(INSIDE, OUTSIDE)),
    ]
    head = ["", "median", "min", "max"]
    parts = [report.machine_lines(), report.promises(promised)]
    for title, times in (("Start, to the first answer:", starts), ("One print cell, sent to idle:", cells)):
        rows = [report.row(name, times.taken[name]) for name in times.names()]
        parts.append(f"{title}\n\n{report.table(head, rows)}")
        parts += [f"Left out: {name}: {reason}\n" for name, reason in times.failed.items()]
    report.write(NAME, "\n".join(parts), keep=not options.only)
