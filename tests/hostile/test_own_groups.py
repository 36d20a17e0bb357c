"""--privileged may make control groups below its own: none of what it does there keeps it from its end.

Each is tried with the guard off too.
"""

from __future__ import annotations

import os

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.personas import Persona

pytestmark = pytest.mark.personas("root")

# On cgroup v1 what stands still is not even killed, and its PID 1 waits for it.
FREEZE = """
own=/sys/fs/cgroup/freezer
[ -d $own ] || own=/sys/fs/cgroup
mkdir $own/inner
sleep 1000 &
echo $! > $own/inner/cgroup.procs
[ -e $own/inner/freezer.state ] && echo FROZEN > $own/inner/freezer.state || echo 1 > $own/inner/cgroup.freeze
echo frozen
sleep 1000
"""
LEFT_ALONE: Edit = (
    "runtime/inside/kill.py",
    '            _let_end(descriptor, state["cgroups"])\n',
    "            pass\n",
)


@pytest.mark.parametrize("guarded", [True, False])
def test_what_it_has_frozen_itself_ends_too(persona: Persona, guarded: bool):
    with copy_with(persona, [] if guarded else [LEFT_ALONE]) as copy:
        container, status = copy.told(
            f"""
            import time
            container = engine.run("base", ["sh", "-c", {FREEZE!r}], privileged=True, detach=True)
            end = time.monotonic() + 20
            while b"frozen" not in container.logs(): assert time.monotonic() < end
            container.kill()
            end = time.monotonic() + (20 if {guarded} else 2)
            while container.status == "running" and time.monotonic() < end: time.sleep(0.01)
            tell([container.id, container.status])
            """
        )
    persona.ok("rm", "-f", container)
    unified = not os.path.exists("/sys/fs/cgroup/freezer")
    assert (status == "exited") is (guarded or unified), status


DEEP = """
import os, time
os.chdir("/sys/fs/cgroup/pids" if os.path.exists("/sys/fs/cgroup/pids") else "/sys/fs/cgroup")
for _ in range(1200):
    os.mkdir("d")
    os.chdir("d")
time.sleep(1)
"""
BY_RECURSION: Edit = (
    "linux/cgroups/group.py",
    "    found, pending = list[str](), [folder]\n",
    """    with os.scandir(folder) as entries:
        inner = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    return iter([*(path for each in inner for path in _deepest_first(each)), folder])
    found, pending = list[str](), [folder]
""",
)


@pytest.mark.parametrize("guarded", [True, False])
def test_groups_as_deep_as_it_likes_are_removed(persona: Persona, guarded: bool):
    with copy_with(persona, [] if guarded else [BY_RECURSION]) as copy:
        container, left = copy.told(
            f"""
            import time
            container = engine.run("base", ["python3", "-c", {DEEP!r}], privileged=True, detach=True)
            groups = container.state().cgroups
            container.wait()
            end = time.monotonic() + (10 if {guarded} else 1)
            while any(map(os.path.exists, groups)) and time.monotonic() < end: time.sleep(0.01)
            tell([container.id, [path for path in groups if os.path.exists(path)]])
            """
        )
    persona.ok("rm", "-f", container)
    assert bool(left) is not guarded, left
