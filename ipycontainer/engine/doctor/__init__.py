"""What this machine gives, what each lack costs, and what would mend it: in sentences for a person.

facts.py      settings of this machine that explain why something did not work
findings.py   all findings; pure, from a trial's result (linux/machine), the cgroup layout and the facts
user.py       those about user namespaces and ids
limits.py     those about control groups
"""

from __future__ import annotations

import os

from ipycontainer.engine.doctor.facts import read_facts
from ipycontainer.engine.doctor.finding import Finding, Findings
from ipycontainer.engine.doctor.findings import findings
from ipycontainer.engine.limits import launchers_layout
from ipycontainer.errors import LauncherError
from ipycontainer.launcher import scope
from ipycontainer.linux.cgroups import read_layout
from ipycontainer.linux.cgroups.files import text
from ipycontainer.linux.machine import Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.launcher.client import Launcher

__all__ = ["Finding", "Findings", "doctor", "examine", "findings", "read_facts"]


def doctor(store: str, run: str, launcher: Launcher) -> Findings:
    """Look at this machine now; `store` is the state folder, `run` the run folder.  Both exist."""
    machine, facts = examine(store, run), read_facts(store)
    if machine.mode == "none":
        return Findings(findings(machine, read_layout(), facts))  # no launcher can start
    # What holds for containers is what holds where the launcher sits.
    layout = launchers_layout(launcher)
    pid = launcher.running_pid()
    facts = facts.replace(scope=pid is not None and scope.is_ours(text(f"/proc/{pid}/cgroup")))
    return Findings(findings(machine, layout, facts))


def examine(store: str, run: str) -> Machine:
    """A new trial, in an interpreter of its own: this one may have threads, which a trial cannot have."""
    import subprocess
    import sys

    from ipycontainer.json_text import loads

    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from ipycontainer.linux import machine; "
        "from ipycontainer.json_text import dumps; "
        "print(dumps(machine.renew(sys.argv[2], sys.argv[3]).to_document()))"
    )
    command = [sys.executable, "-I", "-S", "-c", code, package, run, store]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise LauncherError(f"the trial of what this machine allows failed: {last[0]}; try `info`, or another account")
    return Machine.from_document(loads(done.stdout))
