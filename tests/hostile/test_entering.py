"""Who comes into a running container, for an exec or a probe: whoever is in there meets nothing of the host's in it."""

from __future__ import annotations

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.hostile.onlooker import assert_host_seen, assert_nothing_seen, found
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

COMES = 'container.exec(["true"])'


@pytest.mark.timeout(400)
@pytest.mark.parametrize("traces", [False, True])
def test_nothing_of_the_host_is_seen_in_an_exec(persona: Persona, traces: bool):
    with copy_with(persona) as copy:
        all_found = found(copy, 3, COMES, cap_add=["SYS_PTRACE"] if traces else [])
    # root of a user namespace traces none of what was made outside of it.
    assert_nothing_seen(all_found, [] if traces and persona.is_root else "Permission denied")


@pytest.mark.timeout(400)
@pytest.mark.personas("root")
@pytest.mark.parametrize("traces", [False, True])
def test_with_the_guard_off(persona: Persona, traces: bool):
    with copy_with(persona, HALF_THE_HOSTS) as copy:
        all_found = found(copy, 10, COMES, cap_add=["SYS_PTRACE"] if traces else [])
    assert_host_seen(all_found, traces)
