"""The live pictures, as a person sees them in JupyterLab."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.page import SECOND, LabPage
from tests.personas import CHECKOUT, Persona

BUSY = "sh -c 'while :; do :; done'"
USAGE = ".ipycontainer-usage"
STILL = ".jp-RenderedHTMLCommon.jp-OutputArea-output, .jp-OutputArea-output .jp-RenderedHTMLCommon"
TWO_POINTS = re.compile(r"\S+ \S+")
THREE_POINTS = re.compile(r"\S+ \S+ \S+")


def started(page: LabPage) -> None:
    page.new_notebook()
    page.run_cell("%load_ext ipycontainer\nfrom ipycontainer import Engine\nengine = Engine()")


def shown(cell: Locator) -> Locator:
    usage = cell.locator(USAGE)
    expect(usage.locator("polyline").first).to_have_attribute("points", re.compile(r"\d"), timeout=10 * SECOND)
    return usage


def line(usage: Locator, at: int = 0) -> str:
    return usage.locator("polyline").nth(at).get_attribute("points") or ""


def moves(page: LabPage, usage: Locator, seconds: float) -> bool:
    """Whether the line of memory, which every point adds to, becomes another one within this time."""
    before = line(usage, 1)
    for _ in range(round(seconds * 5)):
        page.page.wait_for_timeout(200)
        if line(usage, 1) != before:
            return True
    return False


def test_it_moves_while_a_container_works_and_stands_still_when_hidden(open_page, browsing: Persona):
    page: LabPage = open_page()
    browsing.ok("run", "-d", "--name", "busy", "base", "sh", "-c", "while :; do :; done")
    started(page)
    cell = page.run_cell("engine.get('busy').usage()")
    usage = shown(cell)
    expect(usage).to_contain_text(re.compile(r"0\.\d\d CPUs|1\.\d\d CPUs"))
    expect(usage.get_by_role("img", name=re.compile("^Memory of busy: "))).to_be_visible()
    assert moves(page, usage, 3)
    page.picture("working")
    # Scrolled away nobody looks, and nothing is measured: the numbers of the kernel stand still.
    page.page.evaluate("selector => { document.querySelector(selector).style.display = 'none'; }", USAGE)
    page.page.wait_for_timeout(1500)
    assert not moves(page, usage, 3)
    page.page.evaluate("selector => { document.querySelector(selector).style.display = ''; }", USAGE)
    assert moves(page, usage, 4)
    browsing.ok("rm", "-f", "busy")
    # The picture that stays needs no kernel: SVG in the cell's HTML.
    expect(cell.locator(".jp-RenderedHTMLCommon svg").first).to_be_visible()
    expect(cell.locator(".jp-OutputArea-output").first).to_contain_text("busy: ")
    expect(cell.locator(USAGE)).to_have_count(0)


DEAF = """
async code => {
  const place = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const { default: view } = await import(place);
  const series = {
    id: '1', name: '<b>box</b>', limits: { cpu: null, memory: 64, pids: null }, counted_by: 'cgroup', ended: '',
    points: [[0.5, 32, 1], [0.5, 48, 1]]
  };
  const model = { get: name => ({ many: true, first: [series] })[name], on() {}, off() {}, send() {} };
  view.render({ model, el: document.body.appendChild(document.createElement('div')) });
}
"""


def test_in_a_page_without_a_kernel_it_draws_what_there_was(chromium: Browser):
    page = chromium.new_page()
    try:
        page.evaluate(DEAF, (CHECKOUT / "ipycontainer/jupyter/widgets/view.js").read_text())
        expect(page.get_by_role("cell", name="<b>box</b>", exact=True)).to_be_visible(timeout=20 * SECOND)
        expect(page.locator("polyline").nth(1)).to_have_attribute("points", TWO_POINTS)
    finally:
        page.close()


LOSES = """
from ipycontainer.jupyter.widgets.live import LiveUsage
kept, lost = LiveUsage.send, []
LiveUsage.send = lambda self, content: kept(self, content) if lost else lost.append(content["kind"])
"""


def test_an_answer_that_is_lost_is_asked_for_again(open_page, browsing: Persona):
    page: LabPage = open_page()
    browsing.ok("run", "-d", "--name", "busy", "base", "sleep", "1000")
    started(page)
    page.run_cell(LOSES)
    shown(page.run_cell("engine.dashboard()"))
    expect(page.run_cell("lost")).to_contain_text("['whole']")


def test_the_dashboard_shows_who_comes_and_goes(open_page, browsing: Persona):
    page: LabPage = open_page()
    browsing.ok("run", "-d", "--name", "one", "base", "sleep", "1000")
    started(page)
    usage = shown(page.run_cell("engine.dashboard()"))
    expect(usage.get_by_role("cell", name="one", exact=True)).to_be_visible()
    browsing.ok("run", "-d", "--name", "two", "base", "sleep", "1000")
    expect(usage.get_by_role("cell", name="two", exact=True)).to_be_visible(timeout=SECOND)
    browsing.ok("rm", "-f", "one")
    expect(usage.get_by_role("cell", name="one", exact=True)).to_have_count(0, timeout=5 * SECOND)
    assert page.findings(USAGE) == []
    page.picture()


@pytest.mark.parametrize("end", ["start", "end"])
def test_one_taller_than_the_window_moves_wherever_somebody_looks(open_page, browsing: Persona, end: str):
    page: LabPage = open_page()
    started(page)
    page.run_cell("boxes = [engine.run('base', ['sleep', '1000'], detach=True) for _ in range(50)]")
    cell = page.run_cell("engine.dashboard()")
    cell.evaluate("(cell, block) => cell.scrollIntoView({ block })", end)
    usage = shown(cell)
    assert cell.bounding_box()["height"] > 800
    assert moves(page, usage, 5)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page, browsing: Persona, theme: str):
    page: LabPage = open_page(theme=theme)
    browsing.ok("run", "-d", "--name", "one", "base", "sleep", "1000")
    started(page)
    single = page.run_cell("engine.get('one').usage()")
    shown(single)
    many = page.run_cell("engine.dashboard()")
    shown(many)
    assert page.page.locator(USAGE).count() == 2
    assert page.findings(USAGE) == []
    page.picture("live")
    # What stays when it has ended, and the tables beside it.
    page.run_cell("engine.get('one')\n")
    page.run_cell("engine.images()[0]")
    page.run_cell("%container ps -a")
    page.run_cell("%container run --explain base true")
    browsing.ok("kill", "one")
    single.scroll_into_view_if_needed()  # nobody looked at it
    expect(single.locator(STILL).locator("svg").first).to_be_visible()
    assert page.page.locator(STILL).count() >= 5
    # The box around each is JupyterLab's.
    assert page.findings(", ".join(f"{each} > *" for each in STILL.split(", "))) == []
    page.picture("still")


def saved(page: LabPage) -> str:
    """Saves the notebook in front; its path."""
    return str(
        page.page.evaluate(
            """async () => {
              const { context } = window.jupyterapp.shell.currentWidget;
              await context.save();
              return context.path;
            }"""
        )
    )


def test_a_notebook_opened_again_is_live_while_its_kernel_lives_and_a_picture_after(open_page, browsing: Persona):
    page: LabPage = open_page()
    browsing.ok("run", "-d", "--name", "busy", "base", "sh", "-c", "while :; do :; done")
    started(page)
    cell = page.run_cell("engine.dashboard()")
    usage = shown(cell)
    expect(usage.locator("polyline").nth(1)).to_have_attribute("points", THREE_POINTS)
    expect(cell.locator(STILL)).to_be_hidden()
    path = saved(page)

    second: LabPage = open_page()
    second.execute("docmanager:open", {"path": path, "factory": "Notebook"})
    second.kernel_ready()
    usage = shown(second.page.locator(".jp-Notebook-cell").nth(1))
    assert moves(second, usage, 5)

    second.page.goto("about:blank")  # or it would ask for a kernel that is just being ended
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    third: LabPage = open_page()
    third.execute("docmanager:open", {"path": path, "factory": "Notebook"})
    third.kernel_ready()
    picture = third.page.locator(".jp-Notebook-cell").nth(1).locator(STILL)
    expect(picture.locator("polyline").nth(1)).to_have_attribute("points", THREE_POINTS)
    expect(picture).to_contain_text("busy")
    # The widget is looked for, and not found: nobody sees that.
    third.page.wait_for_function("() => document.body.textContent.includes('model not found')")
    expect(third.page.get_by_text("model not found")).to_be_hidden()
    expect(picture).to_be_visible()
    third.picture()
    third.complaints = [each for each in third.complaints if "widget model not found" not in each]
