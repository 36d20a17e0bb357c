"""The live dashboard of 100 containers: what of a core its kernel takes while a browser looks, and while none does."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack

from benchmarks import report
from benchmarks.ground import Ground
from benchmarks.report import Promise
from benchmarks.rounds import median

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

NAME = "dashboard"
NEEDS_PACKAGES = True
HELP = "`engine.dashboard()` of 100 containers in a real kernel: its share of a core, looked at and not"

COUNT = 100
_SECONDS = 5.0
_FILL = f"""
%load_ext ipycontainer
from ipycontainer import Engine
engine = Engine()
boxes = [engine.run("base", ["sleep", "10000"], detach=True) for _ in range({COUNT})]
"""


class Shown:
    """A kernel that shows the dashboard, and the browser's side of it."""

    def __init__(self) -> None:
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(kernel_name="python3")
        self.comm = ""
        self.run(_FILL)
        self.run("engine.dashboard()")
        assert self.comm, "no widget was shown"

    def run(self, code: str) -> None:
        def take(message: dict[str, Any]) -> None:
            if message["msg_type"] == "comm_open":
                self.comm = message["content"]["comm_id"]

        reply = self.client.execute_interactive(code, output_hook=take, timeout=120)
        assert reply["content"]["status"] == "ok", reply["content"]

    def tell(self, kind: str) -> None:
        data = {"method": "custom", "content": {"kind": kind, "who": "benchmark", "begins": True}}
        message = self.client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        self.client.shell_channel.send(message)

    def share(self, seconds: float) -> float:
        """Per cent of a core that the kernel takes meanwhile, all of its threads together."""
        begun, before = time.monotonic(), self._running()
        time.sleep(seconds)
        after = self._running()
        # A thread that came or went meanwhile counts from or to nothing.
        taken = sum(after[task] - before.get(task, 0) for task in after)
        return taken / 1e9 / (time.monotonic() - begun) * 100

    def _running(self) -> dict[str, int]:
        """Nanoseconds that each thread has run; utime's ticks would miss what is shorter than one."""
        folder = f"/proc/{self.manager.provisioner.pid}/task"
        found = {}
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/schedstat", encoding="ascii") as file:
                found[task] = int(file.read().split()[0])
        return found

    def points(self) -> int:
        """How many rounds of points have come since the last call."""
        import queue

        count = 0
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=0.1)
            except queue.Empty:
                return count
            data = message["content"].get("data") or {}
            count += message["msg_type"] == "comm_msg" and data.get("content", {}).get("kind") == "points"

    def close(self) -> None:
        self.run("for box in boxes: box.remove(force=True)\nengine.shutdown()")
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def run(options: Namespace) -> None:
    rounds = max(options.rounds // 5, 3)
    shares: dict[str, list[float]] = {"looked at": [], "not looked at": []}
    with Ground() as ground, ExitStack() as stack:
        data = f"{ground.folder}/jupyter"
        os.environ.update(JUPYTER_RUNTIME_DIR=f"{data}/run", IPYTHONDIR=f"{data}/ipython")
        os.environ["IPYCONTAINER_ROOT"] = f"{ground.disk}/store"
        os.environ["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
        os.makedirs(f"{data}/run")
        shown = Shown()
        stack.callback(shown.close)
        for _ in range(rounds):
            for name, kind in (("looked at", "look"), ("not looked at", "away")):
                shown.tell(kind)
                time.sleep(2)
                shown.points()
                shares[name].append(shown.share(_SECONDS))
                assert bool(shown.points()) == (kind == "look"), "it does not do what is measured"
    limit = Promise(f"{COUNT} containers, looked at: of a core", 10, median(shares["looked at"]), "%")
    idle = Promise(f"{COUNT} containers, not looked at: of a core", 1, median(shares["not looked at"]), "%")
    rows = [report.row(name, taken) for name, taken in shares.items()]
    table = report.table(["per cent of a core", "median", "min", "max"], rows)
    report.write(NAME, "\n".join([report.machine_lines(), report.promises([limit, idle]), table]))
