"""The heap that forked processes share has no free places among what is old."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.personas import CHECKOUT

SCENE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ipycontainer.launcher import heap

SIZES = range(48, heap.LARGEST_BLOCK + 1, heap.STEP)
old = [bytes(size - 33) for _ in range(600) for size in SIZES]
del old[::97]  # a free place here and a free place there


def pools():
    return max(len({id(item) // heap.POOL for item in [bytes(size - 33) for _ in range(20)]}) for size in SIZES)


before, filling = pools(), heap.settle()
print(json.dumps([before, pools(), len(filling), sum(map(sys.getsizeof, filling))]))
"""


def test_what_is_made_later_lies_together():
    """Twenty new objects of a size lie in two pools of that size at most, and nearly each in another one before."""
    command = [sys.executable, "-I", "-S", "-c", SCENE, str(CHECKOUT)]
    before, after, number, size = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert before > 4
    assert after <= 2
    assert number < 20_000 and size < 4 << 20
