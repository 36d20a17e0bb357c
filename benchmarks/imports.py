"""What importing costs: `Engine().ps()` over a bare interpreter, and `%load_ext` in a running IPython."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack

from benchmarks import report
from benchmarks.ground import PROJECT, Ground
from benchmarks.machine import python_for_all
from benchmarks.report import Promise
from benchmarks.rounds import in_turn, median
from benchmarks.ticking import Ticking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

NAME = "imports"
HELP = "import and first ps over a bare interpreter; modules loaded; %%load_ext in a running IPython"

BARE, OURS = "python -c pass", "from ipycontainer import Engine; Engine().ps()"
_MODULES_TEXT = f"import sys; before = set(sys.modules); {OURS}; print(*sorted(set(sys.modules) - before))"
_LOAD_TEXT = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("1 + 1")
began = time.perf_counter()
shell.run_line_magic("load_ext", "ipycontainer")
assert shell.find_line_magic("container")
print((time.perf_counter() - began) * 1e3)
"""


def modules(environment: dict[str, str]) -> list[str]:
    """Which modules the import and one ps load, over those of a bare interpreter."""
    words = [python_for_all(), "-c", _MODULES_TEXT]
    said = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return said.stdout.split()


def python_with_ipython() -> str | None:
    """The project's own environment, or another interpreter that has IPython."""
    for python in (os.path.join(PROJECT, ".venv", "bin", "python"), shutil.which("python3")):
        if python and os.path.exists(python):
            said = subprocess.run([python, "-c", "import IPython"], capture_output=True, check=False)
            if said.returncode == 0:
                return python
    return None


def load_ext(environment: dict[str, str], rounds: int) -> list[float] | str:
    """Milliseconds of `%load_ext`, each in a fresh IPython; or why not."""
    python = python_with_ipython()
    if python is None:
        return "there is no environment with IPython (`make setup` makes one)"
    taken = []
    for _ in range(rounds):
        words = [python, "-c", _LOAD_TEXT]
        said = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        if said.returncode:
            return said.stderr.strip().splitlines()[-1]
        taken.append(float(said.stdout.split()[-1]))
    return taken


def run(options: Namespace) -> None:
    with Ground() as ground, ExitStack() as stack:
        environment = ground.environment()
        python = [ground.stopwatch, python_for_all(), "-c"]
        ready = {
            BARE: stack.enter_context(Ticking([*python, "pass"], environment)),
            OURS: stack.enter_context(Ticking([*python, OURS], environment)),
        }
        times = in_turn(ready, options.rounds, 0.05)
        loaded = modules(environment)
        extension = load_ext(environment, options.rounds)
    foreign = [name for name in loaded if name.split(".")[0] not in {*sys.stdlib_module_names, "ipycontainer"}]
    own = [name for name in loaded if name.split(".")[0] == "ipycontainer"]
    standard = [name for name in loaded if name not in foreign and name not in own]
    rows = [report.row(name, times.taken[name]) for name in times.names()]
    promised = [
        Promise("`Engine().ps()` over a bare interpreter", 40, times.difference(OURS, BARE), "ms"),
        Promise("third-party modules loaded by it", 0, float(len(foreign)), "modules"),
    ]
    if isinstance(extension, str):
        said = f"`%load_ext ipycontainer`: not measured: {extension}.\n"
        promised.append(Promise("`%load_ext ipycontainer` in a running IPython", 60, None, "ms"))
    else:
        said = ""
        rows.append(report.row("`%load_ext ipycontainer`", extension))
        promised.append(Promise("`%load_ext ipycontainer` in a running IPython", 60, median(extension), "ms"))
    listed = f"Loaded: {len(own)} modules of ours, {len(standard)} standard ones ({', '.join(standard)}), "
    listed += f"others: {', '.join(foreign) or 'none'}."
    table = report.table(["", "median", "min", "max"], rows)
    report.write(NAME, "\n".join([report.machine_lines(), report.promises(promised), table, listed, said]))
