"""Who comes to share another container's processes: that one meets nothing of the host's in it."""

from __future__ import annotations

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.hostile.onlooker import assert_host_seen, assert_nothing_seen, found
from tests.personas import Persona

# As it once was: into the pid namespace first, and all else is made from in there.
EARLY: list[Edit] = [
    ("runtime/inside/steps/beside.py", 'if kind != "pid":', "if True:"),
    ("runtime/program_plan.py", 'return any(kind == "pid" for kind, _ in launch.others)', "return False"),
]

COMES = 'engine.run("base", ["true"], pid_mode=f"container:{container.id}", remove=True)'


@pytest.mark.timeout(400)
@pytest.mark.personas("root")
@pytest.mark.parametrize("traces", [False, True])
def test_nothing_of_the_host_is_seen_in_who_comes(persona: Persona, traces: bool):
    with copy_with(persona) as copy:
        all_found = found(copy, 3, COMES, cap_add=["SYS_PTRACE"] if traces else [])
    assert_nothing_seen(all_found, [] if traces else "Permission denied")


@pytest.mark.timeout(400)
@pytest.mark.personas("root")
@pytest.mark.parametrize("traces", [False, True])
def test_with_the_guard_off(persona: Persona, traces: bool):
    with copy_with(persona, EARLY) as copy:
        all_found = found(copy, 10, COMES, cap_add=["SYS_PTRACE"] if traces else [])
    assert_host_seen(all_found, traces)


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
