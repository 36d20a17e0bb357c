"""Loading, unloading and what that costs in modules."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

LOAD = """
from IPython.core.interactiveshell import InteractiveShell
import json, sys
shell = InteractiveShell.instance()
shell.run_cell("%load_ext storemagic")  # so that IPython's own half of %load_ext is there
before = set(sys.modules)
shell.run_line_magic("load_ext", "ipycontainer")
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture
def shell():
    shell = InteractiveShell()
    yield shell
    shell.history_manager.end_session()


def test_loading_brings_only_the_magics_and_the_completion():
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [
        "ipycontainer",
        "ipycontainer.jupyter",
        "ipycontainer.jupyter.completion",
        "ipycontainer.jupyter.extension",
        "ipycontainer.jupyter.magics",
        "ipycontainer.jupyter.rich_forms",
    ]


def test_unloading_takes_everything_back(shell):
    def state():
        manager = shell.magics_manager
        return (
            {kind: set(names) for kind, names in manager.magics.items()},
            set(manager.registry),
            list(shell.configurables),
            list(shell.Completer.custom_matchers),
            set(shell.display_formatter.mimebundle_formatter.deferred_printers),
            set(shell.display_formatter.ipython_display_formatter.deferred_printers),
        )

    shell.run_line_magic("config", "LoggingMagics")  # IPython makes its own lazy magics now
    before = state()
    shell.run_line_magic("load_ext", "ipycontainer")
    assert state() != before
    shell.run_line_magic("unload_ext", "ipycontainer")
    assert state() == before
    shell.run_line_magic("unload_ext", "ipycontainer")


def test_loading_twice_is_loading_once(shell):
    shell.run_line_magic("load_ext", "ipycontainer")
    shell.run_line_magic("reload_ext", "ipycontainer")
    shell.run_line_magic("load_ext", "ipycontainer")
    assert len([each for each in shell.Completer.custom_matchers if "ipycontainer" in each.matcher_identifier]) == 1


def test_help_is_one_question_mark_away(shell):
    shell.run_line_magic("load_ext", "ipycontainer")
    for name in ("%container", "%%in_container"):
        assert "--out" in shell.object_inspect_mime(name)["text/plain"]


def test_configuration_is_listed(shell, capsys):
    shell.run_line_magic("load_ext", "ipycontainer")
    shell.run_line_magic("config", "ContainerMagics")
    said = capsys.readouterr().out
    assert "ContainerMagics.image" in said and "ContainerMagics.options" in said
