"""A notebook whose kernel runs in a container, as a person uses it in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from tests import names
from tests.browser.page import LabPage
from tests.lab import Lab
from tests.personas import Persona


@pytest.fixture
def nothing_left(browsing: Persona, lab: Lab, _folder: Path) -> Iterator[None]:
    """As in the other suites, with what the server keeps for its kernels."""
    browsing.ok("run", "--rm", "base", "true", timeout=120)
    folders = [browsing.store, *browsing.run_folders(), lab.log.parent / "runtime", lab.log.parent / "data" / "kernels"]

    def look() -> names.Names:
        return names.snapshot(str(_folder), folders, browsing.store / "events")

    before = names.settled(look)
    yield
    names.assert_same(before, look)


def test_a_notebook_runs_in_it_and_leaves_nothing(nothing_left: None, open_page, lab: Lab, browsing: Persona):
    folder = str(lab.log.parent / "data")
    environment = {"JUPYTER_DATA_DIR": folder}
    browsing.ok("kernel", "install", "--user", "--name", "box", "--display-name", "Box", env=environment)
    try:
        page: LabPage = open_page()
        # A notebook of its own name: a session of another test's could still have this one's path.
        notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "box", "display_name": "Box"}})
        notebook.cells.append(nbformat.v4.new_code_cell())
        browsing.path("boxed.ipynb", nbformat.writes(notebook))
        page.execute("docmanager:open", {"path": "boxed.ipynb", "factory": "Notebook"})
        page.kernel_ready()
        cell = page.run_cell("import os; print(*os.listdir('/sys/class/net'), os.getppid())")
        expect(cell.locator(".jp-OutputArea-output")).to_contain_text("lo 1")
        assert browsing.ok("ps", "-q", "--filter", "label=ipycontainer.kernel=true") != ""
        page.run_cell("kept = 1")
        # The interrupt button.
        page.page.locator(".jp-Notebook:visible .jp-Notebook-cell.jp-CodeCell").last.locator(".cm-content").click()
        page.page.keyboard.insert_text("print('begun', flush=True)\nwhile True: pass")
        page.page.keyboard.press("Shift+Enter")
        expect(page.page.locator(".jp-Notebook:visible")).to_contain_text("begun")
        page.execute("notebook:interrupt-kernel")
        expect(page.page.locator(".jp-Notebook:visible")).to_contain_text("KeyboardInterrupt")
        # The restart button.
        page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        page.kernel_ready()
        page.run_cell("print('kept' in dir(), 6 * 7)")
        expect(page.page.locator(".jp-Notebook:visible")).to_contain_text("False 42")
        page.picture()
        page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.page.wait_for_timeout(500)
        for _ in range(50):
            if browsing.ok("ps", "-aq") == "":
                break
            page.page.wait_for_timeout(200)
        assert browsing.ok("ps", "-aq") == ""
    finally:
        browsing.ok("kernel", "remove", "box", env=environment)
        (browsing.work / "boxed.ipynb").unlink(missing_ok=True)
