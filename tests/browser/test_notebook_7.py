"""The same extension in Notebook 7."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.page import PATIENCE, LabPage
from tests.lab import Lab
from tests.personas import Persona


@pytest.fixture(scope="module")
def lab(browsing: Persona) -> Iterator[Lab]:
    """Notebook 7 instead of JupyterLab."""
    server = Lab(browsing, "notebook")
    yield server
    server.close()


def test_the_side_bar_is_there_beside_a_notebook(open_page: type[LabPage], browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "base", "sh", "-c", "echo said; sleep 1000")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    empty = {"cells": [], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path = browsing.path("Untitled.ipynb", json.dumps(empty))
    page = open_page(tree=f"notebooks/{path.name}")
    page.page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('ipycontainer:show')", timeout=PATIENCE)
    page.page.locator(".jp-Notebook").wait_for()
    page.execute("ipycontainer:show")
    expect(page.container("box")).to_have_attribute("data-status", "running")
    page.button("Logs of box").click()
    expect(page.page.get_by_role("log", name="Output of box")).to_contain_text("said")
    page.picture()
    with page.context.expect_page() as opened:
        page.button("Terminal inside box").click()
    expect(opened.value.locator(".xterm-accessibility-tree")).to_contain_text("ipycontainer box", timeout=PATIENCE)
    page.button("Remove box").click()
    page.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.container("box")).to_have_count(0)
    assert "box" not in browsing.ok("ps", "-a")
