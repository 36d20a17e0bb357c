"""What becomes of a magic's value, read from the code that calls it."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from ipycontainer.jupyter.caller import fate_of_value


@pytest.fixture
def fates():
    shell = InteractiveShell()
    seen = []

    def probe(line, cell=None):
        seen.append(fate_of_value())
        return 1

    shell.register_magic_function(probe, "line_cell")

    def run(source):
        seen.clear()
        result = shell.run_cell(source)
        result.raise_error()
        return list(seen)

    return run


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%probe", ["shown"]),
        ("%probe\n%probe", ["dropped", "shown"]),
        ("x = %probe", ["used"]),
        ("for n in range(2):\n    %probe", ["dropped", "dropped"]),
        ("def f():\n    %probe\nf()", ["dropped"]),
        ("def f():\n    return get_ipython().run_line_magic('probe', '')\nf()", ["used"]),
        ("if True:\n    x = %probe", ["used"]),
        ("import asyncio\nawait asyncio.sleep(0)\n%probe\n%probe", ["dropped", "shown"]),
        ("%%probe\ntext", ["shown"]),
        ("%time %probe", ["shown"]),
        ("%%time\n%probe\n%probe", ["dropped", "shown"]),
        ("%timeit -n 2 -r 1 %probe", ["dropped", "dropped"]),
        ("%alias_magic prod probe\n%prod\n%prod\nx = %prod", ["dropped", "dropped", "used"]),
    ],
)
def test_fate(fates, source, expected):
    assert fates(source) == expected
