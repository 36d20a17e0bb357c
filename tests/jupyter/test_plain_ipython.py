"""The magics in IPython in a terminal, where no notebook draws what is shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.life.terminals import Terminal
from tests.personas import Persona

IPYTHON = ("python3", "-m", "IPython", "--no-banner", "--simple-prompt", "--colors=nocolor")
BARS = (
    "from ipycontainer.jupyter.console import CellConsole; bars = CellConsole().progress()",
    "layers = [(name, 1000 * done) for done in range(60) for name in ('aaa', 'bbb')]",
    "draw = lambda: [bars(name, 'Downloading', done, 60_000) or time.sleep(0.01) for name, done in layers]",
)


@pytest.fixture
def ipython(_everybody: dict[str, Persona]) -> Iterator[Terminal]:
    """One with the extension loaded."""
    persona = _everybody.get("user") or next(iter(_everybody.values()))
    with Terminal(persona, command=IPYTHON, rows=40, columns=200) as terminal:
        terminal.expect("In [1]: ")
        terminal.type("import time; get_ipython().run_line_magic('load_ext', 'ipycontainer')\n")
        terminal.expect("In [2]: ")
        yield terminal
        terminal.type("exit\n")
        terminal.end()


def test_layers_on_their_way_are_drawn_in_their_place(ipython: Terminal):
    for number, line in enumerate(BARS, 3):
        ipython.ask(line, f"In [{number}]: ")
    seen = ipython.ask("_ = draw()", "In [6]: ")
    assert "aaa: Downloading" in seen and "\x1b[2A" in seen
    # Two rows, and no table below the table.
    assert seen.count("Downloading") > 10 and seen.count("\n") <= 5


def test_a_terminal_is_to_be_had_by_an_exclamation_mark(ipython: Terminal):
    assert "!ipycontainer run -it" in ipython.ask("%container run --rm -it base sh", "exec -it NAME sh")
