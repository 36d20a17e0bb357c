"""500 steps of verbs with SIGKILLs of launcher, monitors, programs and clients: tests/crash/life_machine.py.

IPYCONTAINER_MACHINES: how many seeds (1); IPYCONTAINER_MACHINE_STEPS: how many steps each (120);
IPYCONTAINER_MACHINE_SEED: for the same ones again.
"""

from __future__ import annotations

import os

import pytest

from tests.personas import CHECKOUT, Persona

MACHINES = int(os.environ.get("IPYCONTAINER_MACHINES", "1"))
STEPS = int(os.environ.get("IPYCONTAINER_MACHINE_STEPS", "120"))
SEED = int(os.environ.get("IPYCONTAINER_MACHINE_SEED") or int.from_bytes(os.urandom(3), "little"))


# A step takes 0.03 s (two clients 0.25, a restart policy's waits up to 2); twenty times that is a machine under load.
# What waits in vain ends by itself, and says so: life_model.PATIENCE.
SECONDS = 60 + 0.6 * STEPS


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("machine", range(MACHINES))
def test_any_order_of_verbs_and_deaths(fresh_persona: Persona, machine: int, nothing_left: None):
    store = fresh_persona.store
    fresh_persona.ok("run", "--rm", "base", "true")
    script = CHECKOUT / "tests/crash/life_machine.py"
    words = [store, str(SEED + machine), str(STEPS)]
    done = fresh_persona.run(["python3", script, *words], timeout=SECONDS, cwd=fresh_persona.work)
    assert done.exit_code == 0, f"IPYCONTAINER_MACHINE_SEED={SEED + machine} IPYCONTAINER_MACHINE_STEPS={STEPS}\n{done}"
    # Hypothesis may leave all rules out but one, and that one may find nothing to do, and say nothing.
    assert done.out.splitlines()[-1] == f"{STEPS} steps", done.out[-2000:]
