"""Who comes into a running container, for an exec or a probe: whoever is in there meets nothing of the host's in it.

The attacker stops the newcomer as soon as he can name it, and looks at what /proc says of it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hostile.copies import Copy, Edit, copy_with
from tests.personas import Persona

STEPS = "runtime/inside/steps/entering.py"
# As it once was: into the pid namespace first, and into all else from in there, with all of root's power.
HALF_THE_HOSTS: list[Edit] = [
    (STEPS, "namespaces.flags_of(self.kinds)", 'namespaces.flags_of(["pid"])'),
    (STEPS, "        capabilities.set_all(left, left, 0)\n", ""),
    (
        STEPS,
        "        os.setsid()\n",
        """        os.setsid()
        __import__("time").sleep(0.02)
        namespaces.setns(place.pidfd, namespaces.flags_of(["mount", "uts", "ipc", "network"]))
        os.chdir("/")
""",
    ),
]

# What is not to be had is a text.  Who was met too late, as the program that it is or not at all, is no find.
ATTACK = """
import json, os, signal
def attempt(act):
    try: return act()
    except OSError as error: return error.strerror
def mounts(who): return [line.split(" - ")[1] for line in open(f"/proc/{who}/mountinfo")]
def names(who): return [line.split(":")[0].strip() for line in open(f"/proc/{who}/net/dev") if ":" in line]
def powers(who): return int(open(f"/proc/{who}/status").read().split("CapPrm:")[1].split()[0], 16)
def look(who):
    while (state := open(f"/proc/{who}/stat").read().rpartition(")")[2].split()[0]) != "T":
        if state == "Z": return None
    line = open(f"/proc/{who}/cmdline").read().strip(chr(0))
    return None if line.startswith("true") else {
        "mounts": mounts(who) == mounts(1),
        "network": names(who) == names(1),
        "root": attempt(lambda: os.listdir(f"/proc/{who}/root/") == os.listdir("/")),
        "more": powers(who) & ~powers(1),
        "line": line,
    }
told = open("/found", "w", buffering=1)
while True:
    try: os.kill(-1, signal.SIGSTOP)  # all but PID 1
    except ProcessLookupError: continue
    for who in filter(str.isdecimal, os.listdir("/proc")):
        if who == "1": continue
        try:
            if found := look(who): print(json.dumps(found), file=told)
        except OSError: pass
    attempt(lambda: os.kill(-1, signal.SIGCONT))
"""


def _found(copy: Copy, count: int, **options: Any) -> list[dict[str, Any]]:
    """What the attacker sees of the processes of execs, so many of them."""
    return list(
        copy.told(
            f"""
import time
container = engine.run("base", ["python3", "-c", {ATTACK!r}], detach=True, **{options!r})
path, end = os.path.join(engine.root, "containers", container.id, "0/upper/found"), time.monotonic() + 280
found = []
while len(found) < {count}:
    container.exec(["true"])
    found = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    assert time.monotonic() < end
container.remove(force=True)
tell(found)
""",
            timeout=300,
        )
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("traces", [False, True])
def test_nothing_of_the_host_is_seen_in_an_exec(persona: Persona, traces: bool):
    with copy_with(persona) as copy:
        all_found = _found(copy, 3, cap_add=["SYS_PTRACE"] if traces else [])
    for found in all_found:
        assert found["mounts"] and found["network"], found
        # root of a user namespace traces none of what was made outside of it.
        assert found["root"] is True if traces and persona.is_root else found["root"] == "Permission denied", found
        # CAP_SYS_RESOURCE: a limit of resources is still to be set.
        assert found["more"] & ~(1 << 24) == 0 and found["line"] == "ipycontainer", found


@pytest.mark.timeout(400)
@pytest.mark.personas("root")
@pytest.mark.parametrize("traces", [False, True])
def test_with_the_guard_off(persona: Persona, traces: bool):
    with copy_with(persona, HALF_THE_HOSTS) as copy:
        all_found = _found(copy, 10, cap_add=["SYS_PTRACE"] if traces else [])
    assert any(found["more"] and not found["mounts"] and not found["network"] for found in all_found), all_found
    assert any(found["root"] is False for found in all_found) is traces, all_found
