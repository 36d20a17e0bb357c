"""JupyterLab in a browser, as a person uses it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page

from tests.lab import Lab

SECOND = 1000
PATIENCE = 30 * SECOND

AXE = Path(__file__).resolve().parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"

# Noise that is not ours: said by JupyterLab itself or by the browser about it.
NOT_OURS = re.compile(
    r"'schema'|favicon|ResizeObserver|lsp|api/contents|deprecat|webgl|passive|status of 4|GPU", re.IGNORECASE
)


class LabPage:
    """One tab.  tree: another address within the server than JupyterLab's, such as "tree"."""

    def __init__(
        self, browser: Browser, lab: Lab, pictures: Path, name: str, tree: str = "", theme: str = "light"
    ) -> None:
        self.lab = lab
        self._pictures = pictures
        self._name = re.sub(r"\W+", "-", name).strip("-")
        self.context = browser.new_context(viewport={"width": 1280, "height": 800})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self._complained(str(error)))
        self.page.on("console", self._heard)
        # A workspace of its own: the tabs of another test are not in it.
        self.page.goto(f"{lab.address}/{tree or f'lab/workspaces/{time.monotonic_ns()}'}?token={lab.token}")
        if not tree:
            self.ready()
        if theme == "dark":
            self.execute("apputils:change-theme", {"theme": "JupyterLab Dark"})
            self.page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self._complained(message.text, message.location.get("url", ""))

    def _complained(self, text: str, place: str = "") -> None:
        if not NOT_OURS.search(text):
            self.complaints.append(f"{text} {place}")

    def ready(self) -> None:
        """Until JupyterLab has drawn itself, and nothing that it restores takes the focus any more."""
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('ipycontainer:show')")
        self.page.evaluate("() => window.jupyterapp.restored.then(() => undefined)")
        self.page.locator(".jp-LauncherCard").first.wait_for()

    def execute(self, command: str, args: dict[str, Any] | None = None) -> None:
        """One of JupyterLab's commands, begun and not waited for."""
        self.page.evaluate(
            "([command, args]) => { void window.jupyterapp.commands.execute(command, args); }", [command, args or {}]
        )

    def palette(self, words: str) -> None:
        """The first command that the palette finds for `words`."""
        self.execute("apputils:activate-command-palette")
        self.page.locator(".lm-CommandPalette-input").fill(words)
        self.page.locator(".lm-CommandPalette-item").first.click()

    @property
    def bar(self) -> Locator:
        """The side bar."""
        return self.page.locator("#ipycontainer-panel")

    def show_containers(self) -> None:
        """Opens the side bar as a person does: by its tab."""
        self.tab.click()
        self.bar.get_by_role("heading", name="Images").wait_for()

    @property
    def tab(self) -> Locator:
        """The side bar's tab, which bears the number."""
        return self.page.locator("li[data-id=ipycontainer-panel]")

    def container(self, name: str) -> Locator:
        """A container's item in the side bar."""
        return self.bar.locator("li[data-container]").filter(has=self.page.locator(f"[title^='{name}:']"))

    def button(self, label: str) -> Locator:
        """A button in the side bar, by what a screen reader says."""
        return self.bar.get_by_role("button", name=label, exact=True)

    def new_notebook(self) -> None:
        """An empty notebook with a kernel that waits."""
        self.execute("notebook:create-new", {"kernelName": "python3"})
        self.kernel_ready()

    def kernel_ready(self) -> None:
        """Until the notebook in front has a kernel that waits."""
        self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        # The indicator speaks before the session is connected for good.
        self.page.evaluate(
            """async () => {
              const context = window.jupyterapp.shell.currentWidget.sessionContext;
              await context.ready;
              await context.session.kernel.info;
            }"""
        )

    def run_cell(self, code: str, timeout: float = PATIENCE) -> Locator:
        """Types a cell, runs it with Shift+Enter and waits; the cell."""
        cells = self.page.locator(".jp-Notebook:visible .jp-Notebook-cell.jp-CodeCell")
        cell = cells.last
        count = cells.count()
        cell.locator(".cm-content").click()
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        done = cells.nth(count - 1)
        done.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[\d+\]")).wait_for(timeout=timeout)
        return done

    def picture(self, what: str = "") -> None:
        """Keeps how it looks now."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._pictures / f"{self._name}{'-' + what if what else ''}.png")

    def findings(self, scope: str) -> list[str]:
        """What axe finds wrong below `scope`: one line each."""
        self.page.add_script_tag(path=AXE)
        report = self.page.evaluate("scope => axe.run(scope)", scope)
        return [
            f"{one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary']}"
            for one in report["violations"]
            for node in one["nodes"]
        ]

    def close(self) -> None:
        """Closes the tab; a complaint of the console fails the test."""
        try:
            self.picture("end")
        finally:
            self.context.close()
        if self.complaints:
            raise AssertionError("the page complained:\n" + "\n".join(self.complaints))
