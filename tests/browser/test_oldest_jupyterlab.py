"""The wheel, installed without node, in the oldest JupyterLab that it is for."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import wheels
from tests.browser.page import LabPage
from tests.lab import Lab
from tests.personas import Persona

REQUIREMENTS = Path(__file__).parent / "jupyterlab-4.2.txt"


@pytest.fixture(scope="module")
def lab(browsing: Persona, _folder: Path) -> Iterator[Lab]:
    """JupyterLab 4.2 with our wheel, in an environment of its own."""
    folder = _folder / "oldest"
    folder.mkdir()
    python = wheels.environment_with(wheels.build(folder), folder / "venv", REQUIREMENTS)
    # What the lent libraries bring for the server (its terminals) is not in this environment's own configuration.
    settings = {"JUPYTER_CONFIG_PATH": f"{sys.prefix}/etc/jupyter"}
    server = Lab(browsing, python=python, environment=settings)
    yield server
    server.close()
    # The wheel's own launcher: the checkout's command knows another one.
    done = browsing.run([python.parent / "ipycontainer", "system", "shutdown"])
    assert done.exit_code == 0, done
    shutil.rmtree(folder)


def test_the_side_bar_works_there(open_page: type[LabPage], browsing: Persona, lab: Lab):
    assert lab.ask("GET", "lab/api/settings").status == 200
    browsing.ok("run", "-d", "--name", "box", "base", "sh", "-c", "echo said; sleep 1000")
    page = open_page()
    assert page.page.evaluate("() => window.jupyterapp.version").startswith("4.2.")
    page.show_containers()
    expect(page.container("box")).to_have_attribute("data-status", "running")
    expect(page.tab).to_have_accessible_name("Containers (1 running)")
    page.button("Logs of box").click()
    expect(page.page.get_by_role("log", name="Output of box")).to_contain_text("said")
    page.execute("running:show-panel")
    expect(page.page.locator("#jp-running-sessions")).to_contain_text("box")
    page.execute("ipycontainer:show")
    page.button("Terminal inside box").click()
    expect(page.page.locator(".xterm-accessibility-tree")).to_contain_text("ipycontainer box")
    page.picture()
    page.button("Remove box").click()
    page.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.container("box")).to_have_count(0)
