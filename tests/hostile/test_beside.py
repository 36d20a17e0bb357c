"""Who comes to share another container's processes: that one meets nothing of the host's in it.

The attacker stops the newcomer as soon as he can name it, and looks at what /proc says of it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hostile.copies import Copy, Edit, copy_with
from tests.personas import Persona

# As it once was: into the pid namespace first, and all else is made from in there.
EARLY: list[Edit] = [
    ("runtime/inside/steps/beside.py", 'if kind != "pid":', "if True:"),
    ("runtime/program_plan.py", 'return any(kind == "pid" for kind, _ in launch.others)', "return False"),
]

# Who was met too late, as the program that it is or not at all, is no find.
ATTACK = """
import json, os, signal
def attempt(act):
    try: return act()
    except OSError as error: return error.strerror
def targets(who): return {line.split()[4] for line in open(f"/proc/{who}/mountinfo")}
def powers(who): return int(open(f"/proc/{who}/status").read().split("CapPrm:")[1].split()[0], 16)
def look(who):
    while (state := open(f"/proc/{who}/stat").read().rpartition(")")[2].split()[0]) != "T":
        if state == "Z": return None
    line = open(f"/proc/{who}/cmdline").read().strip(chr(0))
    return None if line.startswith("true") else {
        "mounts": sorted(targets(who) - targets(1)),
        "root": attempt(lambda: sorted({*os.listdir(f"/proc/{who}/root/")} - {*os.listdir("/")})),
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
    """What the attacker sees of those who come, so many of them."""
    return list(
        copy.told(
            f"""
import time
container = engine.run("base", ["python3", "-c", {ATTACK!r}], detach=True, **{options!r})
path, end = os.path.join(engine.root, "containers", container.id, "0/upper/found"), time.monotonic() + 280
found = []
while len(found) < {count}:
    engine.run("base", ["true"], pid_mode=f"container:{{container.id}}", remove=True)
    found = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    assert time.monotonic() < end
container.remove(force=True)
tell(found)
""",
            timeout=300,
        )
    )


@pytest.mark.timeout(400)
@pytest.mark.personas("root")
@pytest.mark.parametrize("traces", [False, True])
def test_nothing_of_the_host_is_seen_in_who_comes(persona: Persona, traces: bool):
    with copy_with(persona) as copy:
        all_found = _found(copy, 3, cap_add=["SYS_PTRACE"] if traces else [])
    for found in all_found:
        assert found["mounts"] == [] and found["line"] == "ipycontainer", found
        assert found["root"] == ([] if traces else "Permission denied"), found
        # CAP_SYS_RESOURCE: a limit of resources is still to be set.
        assert found["more"] & ~(1 << 24) == 0, found


@pytest.mark.timeout(400)
@pytest.mark.personas("root")
@pytest.mark.parametrize("traces", [False, True])
def test_with_the_guard_off(persona: Persona, traces: bool):
    with copy_with(persona, EARLY) as copy:
        all_found = _found(copy, 10, cap_add=["SYS_PTRACE"] if traces else [])
    assert any(found["mounts"] and found["more"] for found in all_found), all_found
    assert any(isinstance(found["root"], list) and found["root"] for found in all_found) is traces, all_found


LOOKED = "mounts.magic(tree) != mounts.PROC_SUPER_MAGIC or os.fstat(tree).st_ino != _PROC_ROOT"
UNLOOKED: list[Edit] = [("runtime/inside/steps/beside.py", LOOKED, "False")]
ELSEWHERE = "the other container has put something else at /proc: it shares no processes"
THEIRS = """
other = engine.run("base", ["sh", "-c", {covers!r} + "; touch /done; sleep 1000"], privileged=True, detach=True)
while other.exec(["test", "-e", "/done"]).exit_code:
    pass
said = outcome(lambda: engine.run("base", ["true"], pid_mode=f"container:{{other.id}}", remove=True))
tell([said, other.exec(["cat", "/f/sys/net/ipv4/ping_group_range"]).text])
other.remove(force=True)
"""
SETTINGS = """d=/f/sys/net/ipv4; mkdir -p $d; touch $d/ping_group_range $d/ip_unprivileged_port_start
mount --bind /f /proc"""


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False])
def test_a_proc_of_files_is_not_shared(persona: Persona, guarded: bool):
    """Else what root writes into /proc is written where the other one says (CVE-2025-52881)."""
    with copy_with(persona, [] if guarded else UNLOOKED) as copy:
        said, written = copy.told(THEIRS.format(covers=SETTINGS))
    if guarded:
        assert said[2] == ELSEWHERE and not written, (said, written)
    else:
        assert written.split() == ["0", "2147483647"], (said, written)


@pytest.mark.personas("root")
def test_nor_is_a_part_of_the_kernels(persona: Persona):
    with copy_with(persona) as copy:
        said, _ = copy.told(THEIRS.format(covers="mount --bind /proc/sys /proc"))
    assert said[2] == ELSEWHERE
