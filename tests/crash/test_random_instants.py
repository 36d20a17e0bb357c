"""SIGKILL at random instants of a run, to whoever takes part in it.

IPYCONTAINER_CRASHES: how many, all told (200); IPYCONTAINER_CRASH_SEED: for the same ones again.
"""

from __future__ import annotations

import os

import pytest

from tests.crash.build import built
from tests.crash.test_named_points import WHO, told
from tests.personas import Persona

COUNT = int(os.environ.get("IPYCONTAINER_CRASHES", "200"))
SEED = int(os.environ.get("IPYCONTAINER_CRASH_SEED") or int.from_bytes(os.urandom(3), "little"))
SHARE = {"root": 0.5, "user": 0.3, "solo": 0.2}
BATCH = 50

pytestmark = [pytest.mark.timeout(330), pytest.mark.personas(*WHO)]


def batches() -> list[int]:
    """So many in one test, so that each stays within the time that any test has."""
    return list(range(max(1, COUNT // BATCH)))


@pytest.mark.parametrize("batch", batches())
def test_at_random_instants(persona: Persona, batch: int):
    count = round(min(COUNT, BATCH) * SHARE[persona.name])
    seed = SEED + batch
    print(f"IPYCONTAINER_CRASH_SEED={seed} IPYCONTAINER_CRASHES={BATCH}")
    with built(persona) as copy:
        said = told(copy, f"instants({seed}, {count})")
    print(said["hit"])
    assert said["troubles"] == [], "\n".join(said["troubles"])
