"""Root in a container that looks at whoever comes into it: stopped as soon as it can be named, and read in /proc."""

from __future__ import annotations

from typing import Any

from tests.hostile.copies import Copy

# What is told is what it has and the onlooker, PID 1, has not.  What is not to be had is a text.  Who was met too late,
# as the program that it is or not at all, is no find.
ATTACK = """
import json, os, signal
def attempt(act):
    try: return act()
    except OSError as error: return error.strerror
def names(who): return [line.split(":")[0].strip() for line in open(f"/proc/{who}/net/dev") if ":" in line]
def targets(who): return {line.split()[4] for line in open(f"/proc/{who}/mountinfo")}
def powers(who): return int(open(f"/proc/{who}/status").read().split("CapPrm:")[1].split()[0], 16)
def look(who):
    while (state := open(f"/proc/{who}/stat").read().rpartition(")")[2].split()[0]) != "T":
        if state == "Z": return None
    line = open(f"/proc/{who}/cmdline").read().strip(chr(0))
    return None if line.startswith("true") else {
        "mounts": sorted(targets(who) - targets(1)),
        "network": sorted({*names(who)} - {*names(1)}),
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


def found(copy: Copy, count: int, comes: str, **options: Any) -> list[dict[str, Any]]:
    """What is seen of those who come, so many of them; comes: Python that lets one come into `container`."""
    return list(
        copy.told(
            f"""
import time
container = engine.run("base", ["python3", "-c", {ATTACK!r}], detach=True, **{options!r})
path, end = os.path.join(engine.root, "containers", container.id, "0/upper/found"), time.monotonic() + 280
found = []
while len(found) < {count}:
    {comes}
    found = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    assert time.monotonic() < end
container.remove(force=True)
tell(found)
""",
            timeout=300,
        )
    )


def assert_nothing_seen(all_found: list[dict[str, Any]], root: list[str] | str) -> None:
    """Who came had nothing of the host's; root: what the onlooker gets of its root."""
    for one in all_found:
        assert one["mounts"] == one["network"] == [] and one["line"] == "ipycontainer", one
        assert one["root"] == root, one
        # CAP_SYS_RESOURCE: a limit of resources is still to be set.
        assert one["more"] & ~(1 << 24) == 0, one


def assert_host_seen(all_found: list[dict[str, Any]], traces: bool) -> None:
    """Some who came had the host's mounts and more power; its root is open to who may trace alone."""
    assert any(one["mounts"] and one["more"] for one in all_found), all_found
    assert any(isinstance(one["root"], list) and one["root"] for one in all_found) is traces, all_found
