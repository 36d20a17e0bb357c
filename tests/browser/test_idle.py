"""An idle side bar costs nothing: no timer, no request, no script."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.page import LabPage
from tests.personas import Persona

SECONDS = 5


def script_seconds(page: LabPage) -> float:
    """How long scripts of this page have run so far, as chromium counts it."""
    session = page.context.new_cdp_session(page.page)
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return float(metrics["ScriptDuration"])


def test_beside_a_running_container_the_hidden_side_bar_does_nothing(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "base", "sleep", "1000")
    expect(page.container("box")).to_be_visible()
    page.tab.click()
    expect(page.bar).to_be_hidden()
    page.page.wait_for_timeout(4000)  # figures that were on their way
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url) if "ipycontainer" in request.url else None)
    before = script_seconds(page)
    page.page.wait_for_timeout(SECONDS * 1000)
    spent = script_seconds(page) - before
    assert asked == []
    # JupyterLab's own timers are in it: they alone spend about as much without us.
    assert spent < 0.01 * SECONDS, f"{spent:.3f} s of script in {SECONDS} s"
