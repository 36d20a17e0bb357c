"""axe at our own parts, in the light and in the dark theme; JupyterLab's own findings are JupyterLab's."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.page import LabPage
from tests.personas import Persona


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page: type[LabPage], browsing: Persona, theme: str):
    page = open_page(theme=theme)
    page.show_containers()
    if not browsing.ok("images", "-q"):
        assert page.findings("#ipycontainer-panel") == []
        browsing.ok("run", "--rm", "base", "true")
    browsing.ok("run", "-d", "--name", "runs", "base", "sh", "-c", "echo out; echo err >&2; sleep 1000")
    browsing.ok("create", "--name", "waits", "base", "true")
    browsing.cli("run", "--name", "ended", "base", "false")
    for name in ("runs", "waits", "ended"):
        expect(page.container(name)).to_be_visible()
    assert page.findings("#ipycontainer-panel") == []
    page.picture("side-bar")
    page.button("Logs of runs").click()
    expect(page.page.get_by_role("log")).to_contain_text("err")
    assert page.findings(".jp-ipycontainer-logs") == []
    page.picture("logs")
    page.button("Run base").click()
    page.page.locator(".jp-ipycontainer-form").wait_for()
    assert page.findings(".jp-ipycontainer-form") == []
    page.picture("form")
    page.page.keyboard.press("Escape")
    page.execute("ipycontainer:doctor")
    page.page.locator(".jp-ipycontainer-doctor").wait_for()
    assert page.findings(".jp-ipycontainer-doctor") == []
    page.picture("doctor")
