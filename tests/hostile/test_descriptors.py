"""CVE-2024-21626: a descriptor of a host folder that leaked into the runtime is a way out by the working folder."""

from __future__ import annotations

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.personas import Persona

LEAK = """
marker = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
for number in range(20, 24):
    os.dup2(marker, number, inheritable=True)
"""
TRY = """
found = []
for number in range(3, 40):
    found.append(outcome(lambda: engine.run("base", ["ls"], workdir=f"/proc/self/fd/{number}", remove=True)))
tell([[code, text, errors] for code, text, errors in found if code != 125])
"""
OFF: list[Edit] = [
    ("launcher/__main__.py", "    descriptors.close_from(_LOCK + 1)\n", ""),
    (
        "runtime/inside/container.py",
        "    descriptors.close_all_but([place.channel.fileno(), *keep, place.monitor])\n",
        "",
    ),
    (
        "runtime/inside/container.py",
        "descriptors.close_all_but([place.channel.fileno(), *keep, place.null, place.monitor])",
        "pass",
    ),
    # Where the working folder cannot be reached from the root, getcwd(3) fails.
    ("runtime/inside/steps/identity.py", "here = os.getcwd()", 'here = "/"'),
]


@pytest.mark.parametrize("guarded", [True, False])
def test_a_leaked_descriptor_is_no_working_folder(persona: Persona, guarded: bool):
    """The client leaks it to the launcher that it starts."""
    persona.ok("run", "--rm", "base", "true")
    persona.ok("system", "shutdown")
    with copy_with(persona, [] if guarded else OFF) as copy:
        got_in = copy.told(LEAK + TRY)
    assert bool(got_in) != guarded, got_in
    if not guarded:
        # One of them; others may be the store's own folders, which PID 1 holds until it closes all.
        assert any("boot" in text or "home" in text for _, text, _ in got_in), "it sees the host's root"


def test_an_exec_s_working_folder_neither(persona: Persona):
    told = persona.python(
        """
import json
from ipycontainer import Engine, errors
engine = Engine()
container = engine.run("base", ["sleep", "1000"], detach=True)
codes = set()
for number in range(3, 40):
    try:
        codes.add(container.exec(["pwd"], workdir=f"/proc/self/fd/{number}").exit_code)
    except errors.StartError as error:
        continue
container.remove(force=True)
print(json.dumps(sorted(codes)))
"""
    )
    assert told == [], "one of them was a folder"


@pytest.mark.parametrize("folder", ["/proc/1/cwd", "/proc/self/cwd", "/proc/self/root", "/proc/1/root/proc/1/cwd"])
def test_links_of_proc_lead_into_the_container(persona: Persona, folder: str):
    done = persona.ok("run", "--rm", "-w", folder, "base", "sh", "-c", "stat -c %d:%i . /")
    here, root = done.split()
    assert here == root
